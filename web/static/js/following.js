// Elements that follow the log: what changed is fetched again as HTML and morphed in.

const PAUSE_MS = 350;

/** Runs at most once per pause, and once more if asked meanwhile. */
class Follower {
  #timer = 0;
  #running = false;
  #wanted = false;
  #position = 0;

  /** @param {(position: number) => Promise<void>} refresh */
  constructor(refresh) {
    this.refresh = refresh;
  }

  /** @param {number} position that must be visible */
  ask(position) {
    this.#position = Math.max(this.#position, position);
    this.#wanted = true;
    this.look();
  }

  /** A tab that nobody sees is drawn again when somebody does. */
  look() {
    if (this.#running || !this.#wanted || document.hidden) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), PAUSE_MS);
  }

  async #run() {
    const position = this.#position;
    this.#wanted = false;
    this.#running = true;
    try {
      await this.refresh(position);
    } finally {
      this.#running = false;
      this.look();
    }
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

/** @param {string} url @param {number} position @param {object} how of the swap */
export function fetchInto(url, position, how) {
  const headers = position ? { "Min-Position": String(position) } : {};
  return globalThis.htmx.ajax("GET", url, { push: "false", ...how, request: { headers } });
}

/** What follows the log: `hear` of an event and `refresh`. */
export class Following extends HTMLElement {
  #heard = (event) => this.hear(event.detail);
  #connected = (event) => this.connected(event.detail);
  #resumed = () => this.resumed();
  #seen = () => this.follower.look();

  connectedCallback() {
    this.follower = new Follower((position) => this.refresh(position));
    document.addEventListener("noculture:event", this.#heard);
    document.addEventListener("noculture:connected", this.#connected);
    document.addEventListener("noculture:resumed", this.#resumed);
    document.addEventListener("visibilitychange", this.#seen);
  }

  disconnectedCallback() {
    this.follower.stop();
    document.removeEventListener("noculture:event", this.#heard);
    document.removeEventListener("noculture:connected", this.#connected);
    document.removeEventListener("noculture:resumed", this.#resumed);
    document.removeEventListener("visibilitychange", this.#seen);
  }

  /** What others share may have been taken back while nobody listened: the stream does not tell it. */
  resumed() {}
}
