// <track-stage>: the waveform with its lanes on one time axis, and the slider over it.

import { ask } from "../asking.js";
import { Axis, spanAt } from "./axis.js";
import { drawLanes, drawWave, layout } from "./lanes.js";
import { player, trackOf } from "./player.js";
import { announce, clock } from "../text.js";
import { peaksOf } from "./waves.js";

const STEP_S = 5;
const LEAP_S = 30;
const LEAD_IN_S = 2; // what is heard before a defect, to know what was right
const FINEST = 256; // samples a pair
const PAIRS_PER_PIXEL = 0.4; // fewer than this are too coarse: a finer waveform is fetched
const REMEMBERED = "noculture_lanes";

customElements.define(
  "track-stage",
  class extends HTMLElement {
    #data = {};
    #peaks = null;
    #fine = false;
    #touches = new Map();
    #frame = 0;
    #hovered = null;
    #loopFrom = null; // where a drag with Shift began
    #redraw = () => this.draw();
    #follow = () => this.#playing();
    #heard = (event) => this.#again(event.detail);
    #sizes = new ResizeObserver(() => this.draw());

    connectedCallback() {
      this.axis = new Axis(Number(this.dataset.duration));
      this.slider = this.querySelector("[role=slider]");
      this.#showLanes();
      this.#listen();
      this.#sizes.observe(this);
      document.addEventListener("noculture:theme", this.#redraw);
      document.addEventListener("htmx:after:swap", this.#redraw);
      document.addEventListener("noculture:event", this.#heard);
      for (const name of ["track", "change"]) player.addEventListener(name, this.#follow);
      this.#load(this.dataset.zoom);
      this.#fetchLanes();
    }

    disconnectedCallback() {
      this.#sizes.disconnect();
      cancelAnimationFrame(this.#frame);
      document.removeEventListener("noculture:theme", this.#redraw);
      document.removeEventListener("htmx:after:swap", this.#redraw);
      document.removeEventListener("noculture:event", this.#heard);
      for (const name of ["track", "change"]) player.removeEventListener(name, this.#follow);
    }

    get current() {
      return player.track?.id === this.dataset.asset;
    }

    get time() {
      return this.current ? player.time : 0;
    }

    async #load(zoom) {
      this.#peaks = await peaksOf(`/assets/${this.dataset.asset}/waveform?zoom=${zoom}`).catch(() => null);
      this.draw();
    }

    async #fetchLanes() {
      const answer = await ask(`/assets/${this.dataset.asset}/lanes`, {}, { quiet: true }).catch(() => null);
      this.#data = answer?.ok ? await answer.json() : {};
      this.querySelector(".lanes-shown").hidden = !this.#data.duration;
      this.draw();
    }

    /** Measured again: other lanes over the same waveform. */
    #again({ data, type }) {
      if (data.asset_id === this.dataset.asset && type === "analysis.completed") this.#fetchLanes();
    }

    /** Which lanes are shown is remembered by this browser. */
    #showLanes() {
      const hidden = (localStorage.getItem(REMEMBERED) ?? "").split(",");
      const boxes = [...this.querySelectorAll(".lanes-shown input")];
      for (const box of boxes) box.checked = !hidden.includes(box.name);
      this.shown = new Set(boxes.filter((box) => box.checked).map((box) => box.name));
      this.querySelector(".lanes-shown").addEventListener("change", () => {
        this.shown = new Set(boxes.filter((box) => box.checked).map((box) => box.name));
        const off = boxes.filter((box) => !box.checked).map((box) => box.name);
        localStorage.setItem(REMEMBERED, off.join(","));
        this.draw();
      });
    }

    #listen() {
      const { slider } = this;
      slider.addEventListener("keydown", (event) => this.#key(event));
      slider.addEventListener("pointerdown", (event) => this.#press(event));
      slider.addEventListener("pointermove", (event) => this.#move(event));
      slider.addEventListener("pointerup", (event) => this.#lift(event));
      for (const name of ["pointercancel", "pointerleave"]) {
        slider.addEventListener(name, (event) => this.#leave(event));
      }
      slider.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
      for (const button of this.querySelectorAll("[data-loop]")) {
        button.addEventListener("click", () => this.#loopHere(button.dataset.loop));
      }
      for (const button of this.querySelectorAll("[data-zoom-by]")) {
        button.addEventListener("click", () => this.#zoom(Number(button.dataset.zoomBy), this.time || this.axis.at(0.5)));
      }
    }

    #zoom(by, around) {
      this.axis.zoom(by, around);
      const { clientWidth } = this.slider;
      const pairs = (this.#peaks?.length ?? 0) / 2;
      if (!this.#fine && (pairs * this.axis.span) / this.axis.length < clientWidth * PAIRS_PER_PIXEL) {
        this.#fine = true;
        this.#load(FINEST);
      }
      this.draw();
    }

    /** @param {number} seconds */
    go(seconds) {
      const at = Math.min(Math.max(seconds, 0), this.axis.length);
      if (this.current) return player.seek(at);
      const page = this.closest("[data-asset][data-title]");
      player.play({ ...trackOf(page), duration: this.axis.length }, at, []);
    }

    #key(event) {
      const moves = {
        ArrowRight: this.time + STEP_S,
        ArrowUp: this.time + STEP_S,
        ArrowLeft: this.time - STEP_S,
        ArrowDown: this.time - STEP_S,
        PageUp: this.time + LEAP_S,
        PageDown: this.time - LEAP_S,
        Home: 0,
        End: this.axis.length,
      };
      const zooms = { "+": 2, "=": 2, "-": 0.5, 0: 0 };
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in moves) this.go(moves[event.key]);
      else if (event.key in zooms) this.#zoom(zooms[event.key], this.time);
      else if (event.key === "Enter" || event.key === " ") {
        if (this.current) player.toggle();
        else this.go(0);
      } else return;
      event.preventDefault();
      event.stopPropagation();
      announce(this.slider.getAttribute("aria-valuetext"));
    }

    #loopHere(end) {
      if (!this.current) this.go(0);
      player.loopHere(end);
    }

    #share(event) {
      const { left, width } = this.slider.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - left) / width, 0), 1);
    }

    #press(event) {
      if (event.button !== 0) return;
      this.#touches.set(event.pointerId, { x: event.clientX, from: event.clientX, moved: false });
      if (event.shiftKey) {
        this.slider.setPointerCapture(event.pointerId);
        this.#loopFrom = this.axis.at(this.#share(event));
      } else if (event.pointerType === "mouse") this.go(this.axis.at(this.#share(event)));
    }

    /** One finger moves the axis, two pinch it; a mouse only looks. */
    #move(event) {
      const touch = this.#touches.get(event.pointerId);
      if (this.#loopFrom !== null) return this.#drawLoop(this.axis.at(this.#share(event)));
      if (event.pointerType === "mouse") return this.#look(this.#share(event));
      if (!touch) return;
      const others = [...this.#touches.entries()].filter(([id]) => id !== event.pointerId);
      const width = this.slider.clientWidth;
      if (others.length) {
        const [, other] = others[0];
        const [before, after] = [Math.abs(touch.x - other.x), Math.abs(event.clientX - other.x)];
        if (before > 8 && after > 8) this.#zoom(after / before, this.axis.at(this.#share(event)));
        touch.moved = other.moved = true;
      } else if (Math.abs(event.clientX - touch.from) > 8) {
        touch.moved = true;
        this.axis.pan(((touch.x - event.clientX) / width) * this.axis.span);
        this.draw();
      }
      touch.x = event.clientX;
    }

    #lift(event) {
      const touch = this.#touches.get(event.pointerId);
      this.#touches.delete(event.pointerId);
      if (this.#loopFrom !== null) return (this.#loopFrom = null);
      if (touch && !touch.moved && event.pointerType !== "mouse") this.go(this.axis.at(this.#share(event)));
    }

    /** Shift and a drag say what is looped. */
    #drawLoop(to) {
      if (!this.current) this.go(this.#loopFrom);
      player.loop({ from: Math.min(this.#loopFrom, to), to: Math.max(this.#loopFrom, to) });
    }

    #leave(event) {
      this.#touches.delete(event.pointerId);
      if (event.type === "pointercancel") this.#loopFrom = null;
      this.#look(null);
    }

    /** The page scrolls as ever; over a waveform that has the focus the wheel zooms. */
    #wheel(event) {
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
      const meant = event.ctrlKey || event.metaKey || document.activeElement === this.slider;
      if (sideways && !this.axis.whole) {
        this.axis.pan(((event.deltaX || event.deltaY) / this.slider.clientWidth) * this.axis.span);
        this.draw();
      } else if (meant && !sideways) this.#zoom(2 ** (-event.deltaY / 240), this.axis.at(this.#share(event)));
      else return;
      event.preventDefault();
    }

    #look(share) {
      this.#hovered = share === null ? null : this.axis.at(share);
      this.#tick();
    }

    #playing() {
      cancelAnimationFrame(this.#frame);
      if (this.current && player.playing && this.#hovered === null && this.axis.follow(this.time)) this.draw();
      this.#tick();
      if (this.current && player.playing) this.#frame = requestAnimationFrame(this.#follow);
    }

    /** Everything that stands still. */
    draw() {
      const [drawn, view] = [this.querySelector(".drawn"), this.querySelector(".stage-view")];
      this.places = layout(this.#data, this.shown);
      view.style.height = `${this.places.height}px`;
      const sheet = this.#sheet(drawn);
      if (!sheet) return;
      const wave = this.places.lanes.find((place) => place.name === "wave");
      if (this.#peaks) drawWave(sheet, wave, this.#peaks, sheet.colour("--wave"));
      drawLanes(sheet, this.#data, this.places, this.shown);
      this.#played = document.createElement("canvas");
      const played = this.#sheet(this.#played, drawn);
      if (this.#peaks) drawWave(played, wave, this.#peaks, sheet.colour("--playing-ink"));
      this.#pins();
      this.#tick();
    }

    #played = null;

    /** @returns {import("./lanes.js").Sheet | null} */
    #sheet(canvas, like = canvas) {
      const scale = devicePixelRatio || 1;
      const [width, height] = [like.clientWidth, this.places.height];
      if (!width) return null;
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      const style = getComputedStyle(this);
      const pen = canvas.getContext("2d");
      pen.scale(scale, scale);
      const colour = (name) => style.getPropertyValue(name);
      const font = (weight) => `${colour(weight)} ${colour("--type-1")} ${colour("--font")}`;
      return { pen, axis: this.axis, width, height, colour, font };
    }

    /** What moves: the played part, the playhead, the hovered moment. */
    #tick() {
      if (!this.places) return;
      const sheet = this.#sheet(this.querySelector(".moving"));
      if (!sheet) return;
      const { pen, width, height, colour } = sheet;
      if (this.current && player.region) this.#shade(pen, width, height, colour("--playing-ink"));
      const x = this.axis.x(this.time, width);
      if (this.#played && x > 0 && this.current) {
        const scale = devicePixelRatio || 1;
        const upto = Math.min(x, width);
        pen.drawImage(this.#played, 0, 0, upto * scale, height * scale, 0, 0, upto, height);
        pen.fillStyle = colour("--playing-ink");
        pen.fillRect(Math.round(x), 0, 1.5, height);
      }
      if (this.#hovered !== null) {
        pen.fillStyle = colour("--text");
        pen.fillRect(Math.round(this.axis.x(this.#hovered, width)), 0, 1, height);
      }
      if (!this.axis.whole) {
        pen.fillStyle = colour("--line-strong");
        const { start, span, length } = this.axis;
        pen.fillRect((start / length) * width, height - 3, (span / length) * width, 3);
      }
      this.#say();
    }

    /** What is looped. */
    #shade(pen, width, height, colour) {
      const [from, to] = [player.region.from, player.region.to].map((at) => this.axis.x(at, width));
      pen.fillStyle = colour;
      pen.globalAlpha = 0.16;
      pen.fillRect(from, 0, to - from, height);
      pen.globalAlpha = 1;
      for (const edge of [from, to]) pen.fillRect(Math.round(edge) - 1, 0, 2, height);
    }

    #say() {
      const at = this.#hovered ?? this.time;
      this.querySelector(".clock .now").textContent = clock(at);
      const section = spanAt(this.#data.sections ?? [], at);
      const chord = spanAt(this.#data.chords ?? [], at);
      const words = [section && (section[3] ?? section[2]), chord && chord[2] !== "N" && chord[2]];
      this.querySelector(".here").textContent = words.filter(Boolean).join(" · ");
      this.slider.setAttribute("aria-valuenow", String(Math.round(this.time)));
      this.slider.setAttribute("aria-valuetext", `${clock(this.time)} of ${clock(this.axis.length)}`);
    }

    /** One for each comment; the list under Notes holds the same for those who do not see them. */
    #pins() {
      const places = [...document.querySelectorAll("#comments [data-comment]:not([hidden])")].map((comment) => {
        const pin = document.createElement("button");
        pin.type = "button";
        pin.tabIndex = -1;
        pin.className = comment.classList.contains("resolved") ? "pin resolved" : "pin";
        pin.title = comment.querySelector(".text").textContent;
        const at = Number(comment.dataset.at);
        pin.hidden = at < this.axis.start || at > this.axis.end;
        pin.style.left = `${((at - this.axis.start) / this.axis.span) * 100}%`;
        pin.addEventListener("click", () => {
          this.go(at);
          const panel = comment.closest("[role=tabpanel][hidden]");
          if (panel) document.getElementById(panel.getAttribute("aria-labelledby")).click();
          comment.scrollIntoView({ block: "nearest" });
        });
        return pin;
      });
      const pins = this.querySelector(".pins");
      pins.setAttribute("aria-hidden", "true");
      pins.replaceChildren(...places);
    }
  },
);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-listen]");
  if (!button) return;
  const lead = button.hasAttribute("data-exact") ? 0 : LEAD_IN_S;
  document.querySelector("track-stage")?.go(Number(button.dataset.listen) - lead);
});
