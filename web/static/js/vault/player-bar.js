// The bar at the bottom: what plays, its keys, where it is.

import { player } from "./player.js";
import { announce, clock } from "../text.js";

export const REPEATED = { off: "Repeat: off", all: "Repeat: the whole queue", one: "Repeat: this track" };

customElements.define(
  "player-bar",
  class extends HTMLElement {
    connectedCallback() {
      this.append(player.audio);
      this.querySelector(".toggle").addEventListener("click", () => player.toggle());
      this.querySelector(".previous").addEventListener("click", () => player.step(-1));
      this.querySelector(".next").addEventListener("click", () => player.step(1));
      this.querySelector(".volume input").addEventListener("input", (event) => {
        player.volume = Number(event.target.value);
      });
      this.querySelector(".region").addEventListener("click", () => player.loop(null));
      document.addEventListener("click", ({ target }) => {
        if (target.closest("[data-shuffle]")) player.shuffle();
        if (target.closest("[data-repeat]")) player.repeat();
      });
      const queue = document.querySelector("queue-panel");
      queue.addEventListener("beforetoggle", () => import("./queue-panel.js"));
      player.addEventListener("queue", () => this.#modes());
      player.addEventListener("track", () => this.#show());
      player.addEventListener("change", () => this.#move());
      player.addEventListener("failed", () => {
        // No copy for browsers could be made of it; the original can always be downloaded.
        this.querySelector(".what span").textContent = "This browser cannot play this format";
        announce("This browser cannot play this format");
      });
    }

    #show() {
      const { id, title, artist } = player.track;
      // The one before stays in the page: taken out of it, its last milliseconds would be cut off.
      if (this.querySelector("audio") !== player.audio) this.prepend(player.audio);
      this.hidden = false;
      const link = this.querySelector(".what");
      link.setAttribute("href", `/assets/${id}`);
      link.querySelector("b").textContent = title;
      link.querySelector("span").textContent = artist;
      this.querySelector("wave-player").follow(player.track);
      this.#move();
    }

    #move() {
      this.toggleAttribute("data-playing", player.playing);
      this.querySelector(".now").textContent = clock(player.time);
      this.querySelector(".all").textContent = clock(player.duration);
      const region = this.querySelector(".region");
      region.hidden = !player.region;
      if (!player.region) return;
      const told = `${clock(player.region.from)}–${clock(player.region.to)}`;
      region.querySelector("span").textContent = told;
      region.setAttribute("aria-label", `Loops ${told}: stop looping`);
    }

    /** Here and in the panel of the queue. */
    #modes() {
      const { repeat, shuffled } = player.queue;
      for (const button of document.querySelectorAll("[data-shuffle]")) button.setAttribute("aria-pressed", String(shuffled));
      for (const button of document.querySelectorAll("[data-repeat]")) {
        button.dataset.repeat = repeat;
        button.setAttribute("aria-pressed", String(repeat !== "off"));
        button.setAttribute("aria-label", REPEATED[repeat]);
      }
    }
  },
);
