// One audio element for the whole visit. Islands ask it to play and listen to its events.

/** @typedef {{id: string, title: string, artist: string, duration: number}} Track */

class Player extends EventTarget {
  /** @type {Track | null} */
  track = null;
  /** @type {Track[]} */
  queue = [];
  audio = new Audio();

  constructor() {
    super();
    this.audio.preload = "none";
    for (const name of ["play", "pause", "timeupdate", "seeked", "durationchange"]) {
      this.audio.addEventListener(name, () => this.#tell());
    }
    this.audio.addEventListener("ended", () => this.step(1) || this.#tell());
    this.audio.addEventListener("error", () => this.dispatchEvent(new Event("failed")));
  }

  get playing() {
    return this.track !== null && !this.audio.paused;
  }

  get duration() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : this.track?.duration || 0;
  }

  get time() {
    return this.audio.currentTime;
  }

  /** @param {Track} track @param {number} [at] seconds @param {Track[]} [queue] */
  play(track, at, queue) {
    if (queue) this.queue = queue;
    if (this.track?.id !== track.id) {
      this.track = track;
      // The source is set on the first play only: a page load moves no audio.
      this.audio.src = `/api/assets/${track.id}/audio?rendition=playable`;
      this.dispatchEvent(new Event("track"));
    }
    if (at !== undefined) this.seek(at);
    // A second play request aborts the first one's promise: no failure of the track.
    this.audio.play().catch(() => {});
    this.#describe();
  }

  toggle() {
    if (!this.track) return;
    if (this.audio.paused) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.audio.currentTime = Math.min(Math.max(seconds, 0), Math.max(this.duration - 0.05, 0));
    this.#tell();
  }

  /** @param {1 | -1} direction @returns {boolean} whether there was a neighbour */
  step(direction) {
    const here = this.queue.findIndex((track) => track.id === this.track?.id);
    const neighbour = here < 0 ? undefined : this.queue[here + direction];
    if (neighbour) this.play(neighbour, 0);
    return neighbour !== undefined;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  /** Media keys and the lock screen. */
  #describe() {
    if (!("mediaSession" in navigator)) return;
    const { title, artist } = this.track;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist });
    navigator.mediaSession.setActionHandler("previoustrack", () => this.step(-1));
    navigator.mediaSession.setActionHandler("nexttrack", () => this.step(1));
  }
}

export const player = new Player();

/** @param {HTMLElement} element with the data attributes of a track @returns {Track} */
export function trackOf(element) {
  const { asset, title, artist, duration } = element.dataset;
  return { id: asset, title, artist, duration: Number(duration) || 0 };
}

/** Everything on this page that can be played, in the order in which it stands. @returns {Track[]} */
export function tracksHere() {
  const rows = document.querySelectorAll("[data-asset][data-title]");
  return [...rows].filter((row) => row.querySelector("[data-play]")).map(trackOf);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (!button) return;
  if (player.track?.id === button.dataset.play) return player.toggle();
  const track = trackOf(button.closest("[data-asset][data-title]"));
  const here = tracksHere();
  player.play(track, undefined, here.length > 1 || !player.queue.length ? here : undefined);
});

/** Buttons and rows show what plays, also those that arrive later. */
function mark() {
  for (const button of document.querySelectorAll("[data-play]")) {
    const current = button.dataset.play === player.track?.id;
    const playing = current && player.playing;
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(playing));
    const row = button.closest("tr");
    if (!row) continue;
    if (current) row.dataset.playing = String(playing);
    else delete row.dataset.playing;
  }
}
for (const name of ["track", "change"]) player.addEventListener(name, mark);
document.addEventListener("htmx:after:swap", mark);
