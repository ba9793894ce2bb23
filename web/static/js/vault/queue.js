// The tracks that play one after the other. It knows nothing of sound, so that those who show the
// queue and the one who plays it mean the same.

/** @typedef {import("./player.js").Track} Track */

export const REPEATS = ["off", "all", "one"];

export class Queue {
  /** @type {Track[]} each is in it once */
  tracks = [];
  repeat = "off";
  /** @type {string[] | null} ids in their own order, while another one plays */
  #own = null;

  get shuffled() {
    return this.#own !== null;
  }

  /** @param {string | undefined} id */
  place(id) {
    return this.tracks.findIndex((track) => track.id === id);
  }

  /** What comes behind the one that plays. @param {string | undefined} id @returns {Track[]} */
  after(id) {
    return this.tracks.slice(this.place(id) + 1);
  }

  /** @param {string | undefined} id @param {1 | -1} direction @returns {Track | undefined} */
  neighbour(id, direction) {
    const [here, count] = [this.place(id), this.tracks.length];
    if (here < 0) return undefined;
    const there = here + direction;
    return this.tracks[this.repeat === "off" ? there : (there + count) % count];
  }

  /** Begins anew. @param {Track[]} tracks @param {string | undefined} id that plays */
  fill(tracks, id) {
    const { shuffled } = this;
    [this.tracks, this.#own] = [[...tracks], null];
    if (shuffled) this.shuffle(id);
  }

  /** Mixes all others behind the one that plays, or gives them their own order again. */
  shuffle(id) {
    if (this.#own) {
      const places = new Map(this.#own.map((each, place) => [each, place]));
      this.tracks.sort((a, b) => places.get(a.id) - places.get(b.id));
      this.#own = null;
      return;
    }
    this.#own = this.tracks.map((track) => track.id);
    const first = this.tracks.filter((track) => track.id === id);
    this.tracks = [...first, ...mixed(this.tracks.filter((track) => track.id !== id))];
  }

  /** @param {Track[]} tracks @param {string | undefined} id that plays @param {"next" | "last"} where */
  add(tracks, id, where) {
    const added = tracks.filter((track) => track.id !== id);
    const ids = new Set(added.map((track) => track.id));
    const kept = this.tracks.filter((track) => !ids.has(track.id));
    const here = where === "next" ? kept.findIndex((track) => track.id === id) + 1 : kept.length;
    this.tracks = [...kept.slice(0, here), ...added, ...kept.slice(here)];
    if (this.#own) this.#own = [...this.#own.filter((each) => !ids.has(each)), ...ids];
  }

  /** @param {string} id @param {number} to a place among those that come behind @param {string} playing */
  move(id, to, playing) {
    const track = this.tracks[this.place(id)];
    const others = this.tracks.filter((each) => each !== track);
    const first = others.findIndex((each) => each.id === playing) + 1;
    this.tracks = [...others.slice(0, first + to), track, ...others.slice(first + to)];
  }

  /** @param {string} id */
  remove(id) {
    this.tracks = this.tracks.filter((track) => track.id !== id);
  }

  /** Leaves the one that plays. @param {string | undefined} id */
  clear(id) {
    this.fill(this.tracks.filter((track) => track.id === id), id);
  }

  toJSON() {
    return { tracks: this.tracks, repeat: this.repeat, own: this.#own };
  }

  /** @param {{tracks: Track[], repeat: string, own: string[] | null}} kept */
  restore({ tracks, repeat, own }) {
    [this.tracks, this.repeat, this.#own] = [tracks, repeat, own];
  }
}

function mixed(tracks) {
  for (let last = tracks.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [tracks[last], tracks[other]] = [tracks[other], tracks[last]];
  }
  return tracks;
}
