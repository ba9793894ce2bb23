// One stream of events for all tabs of one account: HTTP/1.1 allows a browser six connections.
//
// The tab that holds a Web Lock reads the stream and tells the others over a BroadcastChannel. Only a
// tab that is seen asks for the lock, so with all of them hidden there is no stream. Each tab knows
// the position up to which it has heard: whoever takes over begins behind their own, and a tab that
// is behind has the stream read again from there. Whoever has heard an event leaves it out.

const BEGINS = "stream.begins";

/** @typedef {{id: number, before: number, text: string}} Told an event; `before`: the one in front of it */

export class SharedStream {
  #address;
  #name;
  #types;
  #hears;
  #position = null;
  /** @type {AbortController | null} while this tab takes part */
  #seen = null;
  /** @type {EventSource | null} while this tab reads for all */
  #source = null;
  #read = null;
  #asked = null;
  #channel = null;

  /**
   * @param {string} address
   * @param {string} account whose events: another one's tabs hear nothing of them
   * @param {string[]} types
   * @param {{event: (text: string) => void, begins: () => void, resumes: () => void, refused: () => void}} hears
   *   begins: once, when the first position is known. resumes: each time that it is read anew; it does not tell
   *   what was taken from this account meanwhile. refused: the server wants no such stream
   */
  constructor(address, account, types, hears) {
    this.#address = `${address}?account=${account}`;
    this.#name = `noculture:events:${account}`;
    this.#types = types;
    this.#hears = hears;
  }

  /** This tab is seen. */
  start() {
    if (this.#seen) return;
    const seen = (this.#seen = new AbortController());
    this.#asked = null;
    // Only where the page came by https or from this computer; elsewhere each seen tab has its own.
    if (!navigator.locks) return this.#open(this.#position);
    this.listen();
    this.#askFrom(this.#position);
    navigator.locks.request(this.#name, { signal: seen.signal }, () => this.#lead(seen.signal)).catch(() => {});
  }

  /** It is hidden, frozen or left, or nobody is signed in: another one may read. */
  stop() {
    this.#seen?.abort();
    this.#seen = null;
    this.#close();
  }

  /** Hears what other tabs read, also while it is hidden. */
  listen() {
    if (this.#channel || !navigator.locks) return;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.addEventListener("message", ({ data }) => this.#told(data));
  }

  /** Before the browser keeps the page in its memory. */
  leave() {
    this.stop();
    this.#channel?.close();
    this.#channel = null;
  }

  #lead(seen) {
    if (seen.aborted) return;
    this.#open(this.#position);
    return new Promise((resolve) => seen.addEventListener("abort", resolve, { once: true }));
  }

  #open(position) {
    this.#close();
    const source = new EventSource(this.#address + (position === null ? "" : `&after=${position}`));
    this.#source = source;
    source.addEventListener(BEGINS, ({ lastEventId }) => this.#begins(Number(lastEventId)));
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && this.#refused(source));
    for (const type of this.#types) source.addEventListener(type, (event) => this.#hear(event));
  }

  #close() {
    this.#source?.close();
    this.#source = this.#read = null;
  }

  #refused(source) {
    if (source !== this.#source) return;
    this.stop();
    this.#hears.refused();
  }

  #begins(position) {
    this.#read = position;
    this.#channel?.postMessage({ begins: position });
    if (!this.#beginAt(position)) this.#hears.resumes();
  }

  #beginAt(position) {
    if (this.#position !== null) return false;
    this.#position = position;
    this.#hears.begins();
    return true;
  }

  #hear({ lastEventId, data }) {
    const told = { id: Number(lastEventId), before: this.#read, text: data };
    this.#read = told.id;
    this.#channel?.postMessage(told);
    this.#take(told);
  }

  #take({ id, text }) {
    if (id <= this.#position) return;
    this.#position = id;
    this.#hears.event(text);
  }

  #told(message) {
    if ("from" in message) return this.#source && this.#readFrom(message.from);
    // Another tab reads the stream from this position on.
    if ("begins" in message) {
      this.#asked = null;
      if (!this.#beginAt(message.begins)) this.#hears.resumes();
      if (this.#position < message.begins) this.#askFrom(this.#position);
      return;
    }
    this.#beginAt(message.before);
    if (message.before <= this.#position) this.#take(message);
    else this.#askFrom(this.#position);
  }

  /** Once for each position: what is on its way to this tab would ask again. */
  #askFrom(position) {
    if (!this.#seen || this.#asked === (position ?? "now")) return;
    this.#asked = position ?? "now";
    this.#channel.postMessage({ from: position });
  }

  /** For a tab that has heard less; one that has heard nothing wants to know from where on it does. */
  #readFrom(position) {
    if (this.#read === null) return;
    if (position === null) this.#channel.postMessage({ begins: this.#read });
    else if (position < this.#read) this.#open(position);
  }
}
