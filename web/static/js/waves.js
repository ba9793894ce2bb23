// Waveforms: <mini-wave> in a row, <wave-player> as the hero of a track and as the bar's slider.

import { player, trackOf } from "./player.js";
import { announce, clock } from "./text.js";

const BAR = 2; // pixels
const GAP = 1;
const STEP_S = 5;
const LEAP_S = 30;

/** @type {Map<string, Promise<number[]>>} peaks by address: (min, max) pairs, 127 = full scale */
const known = new Map();

/** @param {string} address of audiowaveform JSON or of a short list @returns {Promise<number[]>} */
function peaksOf(address) {
  if (!known.has(address)) {
    const peaks = fetch(address).then(async (response) => {
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
 * @param {number[]} peaks pairs (min, max)
 * @param {number} played share of the width, 0 to 1
 * @param {number | null} hovered share of the width
 */
function draw(canvas, peaks, played, hovered = null) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !height) return;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const style = getComputedStyle(canvas);
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const bars = Math.floor(width / (BAR + GAP));
  const pairs = peaks.length / 2;
  const loudest = peaks.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const half = height / 2 - 1;
  const [plain, done] = [style.getPropertyValue("--wave"), style.getPropertyValue("--wave-played")];
  for (let bar = 0; bar < bars; bar++) {
    const from = Math.floor((bar / bars) * pairs);
    const to = Math.max(from + 1, Math.floor(((bar + 1) / bars) * pairs));
    let [low, high] = [0, 0];
    for (let pair = from; pair < to; pair++) {
      low = Math.min(low, peaks[2 * pair]);
      high = Math.max(high, peaks[2 * pair + 1]);
    }
    const top = half - (high / loudest) * half;
    const bottom = half - (low / loudest) * half;
    pen.fillStyle = (bar + 0.5) / bars < played ? done : plain;
    pen.fillRect(bar * (BAR + GAP), top, BAR, Math.max(bottom - top, 1.5));
  }
  if (hovered !== null) {
    pen.fillStyle = style.getPropertyValue("--text");
    pen.fillRect(Math.round(hovered * width), 0, 1, height);
  }
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
    if (this.peaks && this.isConnected) draw(this.canvas, this.peaks, this.played, this.hovered);
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
      if (this.dataset.src) this.load(this.dataset.src);
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
      const shown = this.querySelector(".now");
      if (shown) shown.textContent = clock(this.hovered === null ? now : this.hovered * this.length);
    }

    /** @param {number} seconds */
    #go(seconds) {
      if (this.current) return player.seek(seconds);
      const page = this.closest("[data-asset][data-title]");
      if (page) player.play({ ...trackOf(page), duration: this.length }, seconds, []);
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
