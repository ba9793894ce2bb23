// A/B: two tracks run side by side at the same moment, equally loud; one of them is heard.

import { player, sourceOf } from "./player.js";

const DRIFT_S = 0.06; // more than this apart, and the second is moved to where the first is
const FADE_S = 0.008; // a switch without a click

/** @type {WeakMap<HTMLMediaElement, GainNode>} an element may be routed only once */
const routes = new WeakMap();
let context = null;

function gainOf(audio) {
  context ??= new AudioContext();
  if (!routes.has(audio)) {
    const gain = context.createGain();
    context.createMediaElementSource(audio).connect(gain).connect(context.destination);
    routes.set(audio, gain);
  }
  return routes.get(audio);
}

class Compare extends EventTarget {
  /** @type {import("./player.js").Track | null} what is compared with the track that plays */
  other = null;
  heard = "A";
  /** Decibels by which A and B are turned down: the louder one to the quieter, so nothing clips. */
  turned = { A: 0, B: 0 };
  #audio = new Audio();
  #leader = null;
  #track = null;

  constructor() {
    super();
    player.addEventListener("change", () => this.#follow());
    player.addEventListener("track", () => player.track?.id !== this.#track?.id && this.stop());
  }

  get ready() {
    return this.other !== null && this.#track?.id === player.track?.id;
  }

  /**
   * Plays `track` at `at` seconds, and `other` silently beside it.
   * @param {import("./player.js").Track} track @param {import("./player.js").Track} other
   * @param {{A: number | null, B: number | null}} lufs integrated loudness; unknown is not matched
   */
  start(track, other, lufs) {
    this.stop();
    const known = lufs.A !== null && lufs.B !== null;
    const quieter = Math.min(lufs.A, lufs.B);
    this.turned = known ? { A: quieter - lufs.A, B: quieter - lufs.B } : { A: 0, B: 0 };
    [this.other, this.#track, this.heard] = [other, track, "A"];
    this.#audio.src = sourceOf(other);
    this.#audio.preload = "auto";
    if (player.track?.id !== track.id) player.play(track, 0, []);
    this.#leader = player.audio;
    this.#mix(0);
    context.resume();
    this.#follow();
  }

  stop() {
    if (!this.other) return;
    this.#audio.pause();
    if (this.#leader) gainOf(this.#leader).gain.value = 1;
    [this.other, this.#track, this.#leader, this.heard] = [null, null, null, "A"];
    this.dispatchEvent(new Event("change"));
  }

  flip() {
    if (!this.ready) return false;
    this.heard = this.heard === "A" ? "B" : "A";
    this.#align(true);
    this.#mix(FADE_S);
    return true;
  }

  /** What is heard now, for tests and the curious. */
  get levels() {
    return { A: gainOf(this.#leader).gain.value, B: gainOf(this.#audio).gain.value };
  }

  get times() {
    return { A: player.audio.currentTime, B: this.#audio.currentTime };
  }

  #mix(fade_s) {
    for (const [name, audio] of [["A", this.#leader], ["B", this.#audio]]) {
      const level = this.heard === name ? 10 ** (this.turned[name] / 20) : 0;
      gainOf(audio).gain.setTargetAtTime(level, context.currentTime, fade_s / 3 || 1e-4);
    }
    this.dispatchEvent(new Event("change"));
  }

  #follow() {
    if (!this.ready) return;
    this.#audio.volume = player.volume;
    this.#align(false);
    if (player.playing && this.#audio.paused && !this.#ended) this.#audio.play().catch(() => {});
    else if (!player.playing) this.#audio.pause();
    if (this.heard === "B" && this.#ended) this.flip();
  }

  get #ended() {
    return Number.isFinite(this.#audio.duration) && player.time >= this.#audio.duration;
  }

  #align(exactly) {
    const apart = Math.abs(this.#audio.currentTime - player.time);
    if (!this.#ended && !this.#audio.seeking && apart > (exactly ? DRIFT_S / 3 : DRIFT_S)) {
      this.#audio.currentTime = player.time;
    }
  }
}

export const compare = new Compare();
