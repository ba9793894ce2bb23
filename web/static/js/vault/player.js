// Two audio elements for the whole visit: one plays, the other has the next track ready, so that
// nothing is heard between them. Islands ask it to play and listen to its events.

import { wasAway } from "../asking.js";
import { Queue, REPEATS } from "./queue.js";

/** @typedef {{id: string, title: string, artist: string, duration: number}} Track */

const PREPARE_S = 20; // before the end the next track is fetched
const HAND_OVER_S = 0.5; // before the end the exact moment is waited for
const FIRST_LEAD_S = 0.05; // from play() to sound, until that is measured
const SHORTEST_LOOP_S = 0.25;
const BEHIND_S = 1; // so far behind the end of a loop one is still led back: further on, one has gone there
const MEASURED_TIMES = 4; // an event that comes late would look like a gap

class Player extends EventTarget {
  /** @type {Track | null} */
  track = null;
  queue = new Queue();
  /** @type {{from: number, to: number} | null} seconds of this track that are played again and again */
  region = null;
  audio = new Audio();
  /** Between the end of the last track and the start of this one; negative if they overlapped. */
  gap_ms = null;
  #spare = new Audio();
  #next = null;
  #timer = 0;
  #lead_s = FIRST_LEAD_S;
  #cutAt = null;

  constructor() {
    super();
    for (const audio of [this.audio, this.#spare]) this.#watch(audio);
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

  get volume() {
    return this.audio.volume;
  }

  set volume(value) {
    this.audio.volume = this.#spare.volume = value;
  }

  /**
   * @param {Track} track @param {number} [at] seconds
   * @param {Track[]} [tracks] the queue from now on; without them the track goes into the one there is
   */
  play(track, at, tracks = []) {
    if (tracks.length) this.queue.fill(tracks, track.id);
    else if (this.queue.place(track.id) < 0) this.queue.add([track], this.track?.id, "next");
    this.#take(track);
    this.#queued();
    if (at !== undefined) this.seek(at);
    // A second play request aborts the first one's promise: no failure of the track.
    this.audio.play().catch(() => {});
    this.#describe();
  }

  #take(track) {
    if (this.track?.id === track.id) return;
    this.#forgetNext();
    [this.track, this.region] = [track, null];
    this.#repeat();
    // The source is set on the first play only: a page load moves no audio.
    this.audio.src = sourceOf(track);
    this.dispatchEvent(new Event("track"));
  }

  /** @param {Track[]} tracks @param {"next" | "last"} where; the first waits where nothing plays */
  enqueue(tracks, where) {
    this.queue.add(tracks, this.track?.id, where);
    if (!this.track && tracks.length) this.#take(tracks[0]);
    this.#queued();
  }

  /** @param {(queue: Queue) => void} how the queue is changed */
  arrange(how) {
    how(this.queue);
    this.#queued();
  }

  shuffle() {
    this.arrange((queue) => queue.shuffle(this.track?.id));
  }

  /** Off, then all tracks, then this one. */
  repeat() {
    this.arrange((queue) => {
      queue.repeat = REPEATS[(REPEATS.indexOf(queue.repeat) + 1) % REPEATS.length];
      this.#repeat();
    });
  }

  #repeat() {
    this.audio.loop = this.queue.repeat === "one" && !this.region;
  }

  /** Another one comes next, maybe. */
  #queued() {
    if (this.#next && this.#next.id !== this.#neighbour(1)?.id) this.#forgetNext();
    if (this.audio.loop) this.#forgetNext();
    this.dispatchEvent(new Event("queue"));
  }

  /** What outlives a reload of the page. */
  get state() {
    return { track: this.track, at_s: this.time, region: this.region, queue: this.queue };
  }

  /** @param {{track: Track, at_s: number, region: object | null, queue: object}} state */
  restore({ track, at_s, region, queue }) {
    this.queue.restore(queue);
    this.#take(track);
    // Nothing is fetched by that: it is where play begins.
    this.audio.currentTime = at_s;
    this.loop(region);
    this.#queued();
  }

  toggle() {
    if (!this.track) return;
    if (this.audio.paused) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  /** @param {number} seconds */
  seek(seconds) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.audio.currentTime = Math.min(Math.max(seconds, 0), Math.max(this.duration - 0.05, 0));
    this.#tell();
  }

  /** @param {{from: number, to: number} | null} region */
  loop(region) {
    const [from, to] = [Math.max(region?.from ?? 0, 0), Math.min(region?.to ?? 0, this.duration)];
    this.region = to - from >= SHORTEST_LOOP_S ? { from, to } : null;
    this.#repeat();
    this.#forgetNext();
    this.#tell();
  }

  /** Where the loop begins or ends from now on; its other end is that of the track. @param {"from" | "to"} end */
  loopHere(end) {
    const whole = { from: 0, to: this.duration };
    const region = { ...whole, ...this.region, [end]: this.time };
    this.loop(region.from < region.to ? region : { ...whole, [end]: this.time });
  }

  /** @param {1 | -1} direction @returns {boolean} whether there was a neighbour */
  step(direction) {
    const neighbour = this.#neighbour(direction);
    if (neighbour) this.play(neighbour, 0);
    return neighbour !== undefined;
  }

  #neighbour(direction) {
    return this.queue.neighbour(this.track?.id, direction);
  }

  #watch(audio) {
    audio.preload = "none";
    const ifCurrent = (act) => (event) => event.target === this.audio && act();
    for (const name of ["play", "pause", "timeupdate", "seeked", "durationchange"]) {
      audio.addEventListener(name, ifCurrent(() => this.#tell()));
    }
    audio.addEventListener("timeupdate", ifCurrent(() => this.#lookAhead()));
    audio.addEventListener("ended", ifCurrent(() => this.#ended()));
    audio.addEventListener("error", ifCurrent(() => this.#recover()));
  }

  /** A network that is away or a session that is over looks like a track that cannot be played. */
  async #recover() {
    const { audio, track } = this;
    const [at_s, playing] = [audio.currentTime, !audio.paused];
    const cut = audio.error?.code === MediaError.MEDIA_ERR_NETWORK && this.#cutAt !== at_s;
    this.#cutAt = at_s;
    const waited = await wasAway(at_s > 0).catch(() => false);
    if (this.track !== track || this.audio !== audio) return;
    if (!waited && !cut) return this.dispatchEvent(new Event("failed"));
    audio.src = sourceOf(track);
    audio.currentTime = at_s;
    if (playing) audio.play().catch(() => {});
  }

  /** Near the end the next track is made ready, then started so that it sounds as this one ends. */
  #lookAhead() {
    if (this.region) return this.#stayWithin(this.region);
    const left_s = this.duration - this.time;
    if (this.audio.loop || left_s > PREPARE_S) return;
    const neighbour = this.#neighbour(1);
    if (!neighbour) return;
    if (this.#next?.id !== neighbour.id) {
      this.#next = neighbour;
      this.#spare.src = sourceOf(neighbour);
      this.#spare.preload = "auto";
      this.#spare.load();
    }
    if (left_s < HAND_OVER_S && !this.#timer && this.playing) {
      this.#timer = setTimeout(() => this.#handOver(), (left_s - this.#lead_s) * 1000);
    }
  }

  #stayWithin({ to }) {
    const left_s = to - this.time;
    if (!this.playing || left_s < -BEHIND_S) return;
    if (left_s <= 0) this.seek(this.region.from);
    else if (left_s < HAND_OVER_S && !this.#timer) {
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        if (this.playing) this.seek(this.region.from);
      }, left_s * 1000);
    }
  }

  #ended() {
    if (!this.region) return this.#handOver() || this.step(1) || this.#tell();
    this.seek(this.region.from);
    this.audio.play().catch(() => {});
  }

  /** @returns {boolean} whether the next track was ready */
  #handOver() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const next = this.#next;
    // One that could not be fetched ahead is asked for again at the end: its failure is told then.
    if (!next || this.#spare.error || this.audio.paused !== this.audio.ended) return false;
    const ends_ms = performance.now() + Math.max(this.duration - this.time, 0) * 1000;
    const before = this.audio;
    [this.audio, this.#spare] = [this.#spare, before];
    this.track = next;
    this.#next = null;
    this.#repeat();
    this.#measure(ends_ms, this.audio);
    this.audio.play().catch(() => {});
    this.dispatchEvent(new Event("track"));
    this.#describe();
    return true;
  }

  #measure(ends_ms, audio) {
    const found = [];
    const look = () => {
      found.push(performance.now() - audio.currentTime * 1000 - ends_ms);
      if (found.length < MEASURED_TIMES) return;
      audio.removeEventListener("timeupdate", look);
      this.gap_ms = Math.min(...found);
      this.#lead_s = Math.min(Math.max(this.#lead_s + this.gap_ms / 1000, 0), 0.2);
    };
    audio.addEventListener("timeupdate", look);
  }

  #forgetNext() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#next = null;
    this.#spare.pause();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  /** Media keys and the lock screen. */
  #describe() {
    if (!("mediaSession" in navigator)) return;
    const { title, artist } = this.track;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist });
    const acts = {
      previoustrack: () => this.step(-1),
      nexttrack: () => this.step(1),
      play: () => this.toggle(),
      pause: () => this.toggle(),
      seekto: ({ seekTime }) => this.seek(seekTime),
    };
    for (const [name, act] of Object.entries(acts)) navigator.mediaSession.setActionHandler(name, act);
  }
}

/** @param {Track} track @returns {string} a format that browsers play */
export function sourceOf(track) {
  return `/api/assets/${track.id}/audio?rendition=playable`;
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
