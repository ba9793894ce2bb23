// <queue-panel>: what plays now and what comes next, put in order by hand and by keys.

import { announce, clock } from "../text.js";
import { lift, step } from "./lift.js";
import { player } from "./player.js";

const SHOWN = 200; // rows: more are in the queue, and come up as it is played

customElements.define(
  "queue-panel",
  class extends HTMLElement {
    #lifted = false;
    #changed = () => this.draw();

    connectedCallback() {
      [this.list, this.row] = [this.querySelector("ol"), this.querySelector("template")];
      this.addEventListener("click", (event) => this.#clicked(event));
      this.addEventListener("keydown", (event) => this.#keyed(event));
      this.addEventListener("pointerdown", (event) => this.#lift(event));
      for (const name of ["track", "queue"]) player.addEventListener(name, this.#changed);
      this.draw();
    }

    disconnectedCallback() {
      for (const name of ["track", "queue"]) player.removeEventListener(name, this.#changed);
    }

    /** @returns {HTMLElement[]} */
    get rows() {
      return [...this.list.children];
    }

    draw() {
      if (this.#lifted) return;
      const { track, queue } = player;
      const next = queue.after(track?.id);
      this.querySelector(".now b").textContent = track?.title ?? "";
      this.querySelector(".now .muted").textContent = track?.artist ?? "";
      this.querySelector(".nothing").hidden = next.length > 0;
      this.querySelector("[data-clear]").disabled = next.length === 0;
      const more = next.length - SHOWN;
      this.querySelector(".more-next").textContent = more > 0 ? `and ${more} more` : "";
      const shown = next.slice(0, SHOWN);
      const here = new Map(this.rows.map((row) => [row.dataset.track, row]));
      // A row that is where it belongs is left alone: it may have the focus.
      if (shown.map(({ id }) => id).join() === [...here.keys()].join()) return;
      this.list.replaceChildren(...shown.map((each) => here.get(each.id) ?? this.#made(each)));
    }

    #made({ id, title, artist, duration }) {
      const row = this.row.content.firstElementChild.cloneNode(true);
      row.dataset.track = id;
      row.querySelector("b").textContent = title;
      row.querySelector(".by").textContent = artist;
      row.querySelector(".num").textContent = duration ? clock(duration) : "";
      row.querySelector("[data-handle]").setAttribute("aria-label", `Move ${title}`);
      row.querySelector("[data-remove]").setAttribute("aria-label", `Remove ${title} from the queue`);
      return row;
    }

    #clicked({ target }) {
      const row = target.closest("li");
      if (target.closest("[data-clear]")) {
        player.arrange((queue) => queue.clear(player.track?.id));
        announce("The queue is empty");
      }
      if (target.closest("[data-start]")) player.play(trackOf(row), 0);
      if (target.closest("[data-remove]")) this.#remove(row);
    }

    #remove(row) {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      player.arrange((queue) => queue.remove(row.dataset.track));
      (next?.querySelector("[data-remove]") ?? this.querySelector("[data-close]")).focus();
      announce(`${title(row)} is out of the queue`);
    }

    #keyed(event) {
      const row = event.target.closest("li");
      const onHandle = event.target.closest("[data-handle]");
      if (event.key === "Delete" && row) return this.#remove(row);
      if (!row || event.ctrlKey || event.metaKey || !(event.altKey || onHandle)) return;
      const [here, last] = [this.rows.indexOf(row), this.rows.length - 1];
      const to = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      step(row, Math.min(Math.max(to, 0), last) - here);
      row.scrollIntoView({ block: "nearest" });
      this.#placed(row);
    }

    #lift(event) {
      const handle = event.target.closest("[data-handle]");
      if (!handle || event.button) return;
      const row = handle.closest("li");
      this.#lifted = true;
      const dropped = (kept) => {
        this.#lifted = false;
        if (kept) this.#placed(row);
        else this.draw();
      };
      lift(event, handle, row, dropped, this.list);
    }

    #placed(row) {
      player.arrange((queue) => queue.move(row.dataset.track, this.rows.indexOf(row), player.track?.id));
      announce(`${title(row)}: ${this.rows.indexOf(row) + 1} of ${this.rows.length}`);
    }
  },
);

const title = (row) => row.querySelector("b").textContent;
const trackOf = (row) => player.queue.tracks[player.queue.place(row.dataset.track)];
