// Small waveforms: <mini-wave> in a row, <wave-player> as the bar's slider.

import { ask } from "../asking.js";
import { player, trackOf, tracksHere } from "./player.js";
import { announce, clock } from "../text.js";

const BAR = 2; // pixels
const GAP = 1;
const STEP_S = 5;
const LEAP_S = 30;

/** @type {Map<string, Promise<number[]>>} peaks by address: (min, max) pairs, 127 = full scale */
const known = new Map();

/** @param {string} address of audiowaveform JSON or of a short list @returns {Promise<number[]>} */
export function peaksOf(address) {
  if (!known.has(address)) {
    const peaks = ask(address, {}, { quiet: true }).then(async (response) => {
      if (!response.ok) throw new Error(`no waveform: ${response.status}`);
      return (await response.json()).data;
    });
    peaks.catch(() => known.delete(address));
    known.set(address, peaks);
  }
  return known.get(address);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{peaks: number[], played: number, hovered?: number | null}} wave
 *   peaks in pairs (min, max); played and hovered as shares of the width
 */
function draw(canvas, { peaks, played, hovered = null }) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !height) return;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const bars = Math.floor(width / (BAR + GAP));
  const [middle, reach] = [height / 2, height / 2 - 1];
  const loudest = peaks.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  for (let bar = 0; bar < bars; bar++) {
    const [low, high] = extremes(peaks, bar / bars, (bar + 1) / bars);
    const [top, bottom] = [(-high / loudest) * reach, (-low / loudest) * reach];
    pen.fillStyle = colour((bar + 0.5) / bars < played ? "--playing-ink" : "--wave");
    pen.fillRect(bar * (BAR + GAP), middle + top, BAR, Math.max(bottom - top, 1.5));
  }
  if (hovered !== null) {
    pen.fillStyle = colour("--text");
    pen.fillRect(Math.round(hovered * width), 0, 1, height);
  }
}

/** The lowest and the highest of the pairs between two shares of the length. */
function extremes(peaks, start, end) {
  const pairs = peaks.length / 2;
  const from = Math.floor(start * pairs);
  const to = Math.max(from + 1, Math.floor(end * pairs));
  let [low, high] = [0, 0];
  for (let pair = from; pair < to; pair++) {
    low = Math.min(low, peaks[2 * pair]);
    high = Math.max(high, peaks[2 * pair + 1]);
  }
  return [low, high];
}

class Wave extends HTMLElement {
  /** @type {number[] | null} */
  peaks = null;
  hovered = null;
  #redraw = () => this.paint();
  #sizes = new ResizeObserver(() => this.paint());

  connectedCallback() {
    this.canvas = this.querySelector("canvas");
    this.#sizes.observe(this);
    document.addEventListener("noculture:theme", this.#redraw);
    for (const name of ["track", "change"]) player.addEventListener(name, this.#redraw);
  }

  disconnectedCallback() {
    this.#sizes.disconnect();
    document.removeEventListener("noculture:theme", this.#redraw);
    for (const name of ["track", "change"]) player.removeEventListener(name, this.#redraw);
  }

  get current() {
    return player.track?.id === this.dataset.asset;
  }

  get played() {
    return this.current && player.duration ? player.time / player.duration : 0;
  }

  /** @param {string} address */
  async load(address) {
    try {
      this.peaks = await peaksOf(address);
    } catch {
      this.peaks = null;
    }
    this.paint();
  }

  paint() {
    if (!this.peaks || !this.isConnected) return;
    const { peaks, played, hovered } = this;
    draw(this.canvas, { peaks, played, hovered });
  }
}

const nearby = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      nearby.unobserve(target);
      target.load(`/assets/${target.dataset.asset}/peaks`);
    }
  },
  { rootMargin: "120px" },
);

customElements.define(
  "mini-wave",
  class extends Wave {
    connectedCallback() {
      super.connectedCallback();
      nearby.observe(this);
      this.addEventListener("click", (event) => this.#playFrom(event));
    }

    #playFrom(event) {
      const track = trackOf(this.closest("[data-asset][data-title]"));
      const { left, width } = this.getBoundingClientRect();
      player.play(track, ((event.clientX - left) / width) * track.duration, tracksHere());
    }
  },
);

customElements.define(
  "wave-player",
  class extends Wave {
    connectedCallback() {
      super.connectedCallback();
      this.setAttribute("role", "slider");
      this.setAttribute("aria-valuemin", "0");
      this.tabIndex = 0;
      this.addEventListener("keydown", (event) => this.#key(event));
      this.addEventListener("pointerdown", (event) => this.#press(event));
      this.addEventListener("pointermove", (event) => this.#hover(event));
      this.addEventListener("pointerleave", () => this.#hover(null));
      this.paint();
    }

    /** The bar's slider takes over another track. @param {import("./player.js").Track} track */
    follow(track) {
      this.dataset.asset = track.id;
      this.peaks = null;
      this.load(`/assets/${track.id}/peaks`);
    }

    get length() {
      return this.current ? player.duration : Number(this.dataset.duration) || 0;
    }

    paint() {
      super.paint();
      const now = this.current ? player.time : 0;
      this.setAttribute("aria-valuemax", String(Math.round(this.length)));
      this.setAttribute("aria-valuenow", String(Math.round(now)));
      this.setAttribute("aria-valuetext", `${clock(now)} of ${clock(this.length)}`);
    }

    /** @param {number} seconds */
    #go(seconds) {
      if (this.current) player.seek(seconds);
    }

    #key(event) {
      const now = this.current ? player.time : 0;
      const moves = {
        ArrowRight: now + STEP_S,
        ArrowUp: now + STEP_S,
        ArrowLeft: now - STEP_S,
        ArrowDown: now - STEP_S,
        PageUp: now + LEAP_S,
        PageDown: now - LEAP_S,
        Home: 0,
        End: this.length,
      };
      if (event.key in moves) this.#go(Math.min(Math.max(moves[event.key], 0), this.length));
      else if (event.key === "Enter" || event.key === " ") {
        if (this.current) player.toggle();
        else this.#go(0);
      } else return;
      event.preventDefault();
      event.stopPropagation();
      announce(this.getAttribute("aria-valuetext"));
    }

    #share(event) {
      const { left, width } = this.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - left) / width, 0), 1);
    }

    #press(event) {
      if (event.button === 0) this.#go(this.#share(event) * this.length);
    }

    #hover(event) {
      this.hovered = event?.pointerType === "mouse" ? this.#share(event) : null;
      this.paint();
    }
  },
);
