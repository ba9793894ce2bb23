// What happens in the log, told to the page: one stream for all tabs, none while they are hidden.

import { wasAway } from "./asking.js";
import { account } from "./session.js";
import { SharedStream } from "./stream.js";

const LATE_MS = 5_000;
const AGAIN_MS = 5_000;

/** @type {string[]} */
const watched = [];

/** Says which events an area's pages follow, while the page's scripts run. @param {...string} types */
export const watch = (...types) => watched.push(...types);

customElements.define(
  "live-feed",
  class extends HTMLElement {
    #stream = null;
    #out = false;

    connectedCallback() {
      this.#stream = new SharedStream(this.dataset.stream, account, watched, {
        event: (text) => this.#tell("noculture:event", JSON.parse(text)),
        begins: () => this.#connected(),
        resumes: () => this.#tell("noculture:resumed"),
        refused: () => this.#refused(),
      });
      this.#stream.listen();
      // Behind the scripts of all areas: by then they have said what they watch.
      queueMicrotask(() => this.#follow());
      for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, () => this.#follow());
      document.addEventListener("freeze", () => this.#stream.stop());
      document.addEventListener("noculture:signed-out", () => this.#signedIn(false));
      document.addEventListener("noculture:signed-in", () => this.#signedIn(true));
      // Leaving frees the connection at once; a page that comes back from the cache reopens it.
      addEventListener("pagehide", () => this.#stream.leave());
      addEventListener("pageshow", ({ persisted }) => {
        if (!persisted) return;
        this.#stream.listen();
        this.#follow();
      });
    }

    #follow() {
      if (document.hidden || this.#out) this.#stream.stop();
      else this.#stream.start();
    }

    #signedIn(yes) {
      this.#out = !yes;
      this.#follow();
    }

    /** Not for the network, which it waits for itself: the session is over, or there are too many. */
    async #refused() {
      this.#out = true;
      const waited = await wasAway();
      if (!waited) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      this.#signedIn(true);
    }

    /** What was opened in the background is seen late: much may have happened since it was made. */
    #connected() {
      this.#tell("noculture:connected", { late: performance.now() > LATE_MS });
    }

    #tell(name, detail) {
      document.dispatchEvent(new CustomEvent(name, { detail }));
    }
  },
);
