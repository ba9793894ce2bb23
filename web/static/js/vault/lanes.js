// What is drawn along the time axis: each lane knows its height and how to draw itself.

import { clock } from "../text.js";

const WAVE = 132;
const RULER = 26;
const GAP = 6;
const BAR = 2;
const ONE_INSTRUMENT = 15;
const BEAT_EVERY = 5; // pixels, at least
const UNSURE = 50; // hundredths of confidence
const LOUDEST_LUFS = 0;
const QUIETEST_LUFS = -36;
const STREAMED_LUFS = -14;

/** @typedef {{pen: CanvasRenderingContext2D, axis: import("./axis.js").Axis, width: number, colour: (token: string) => string, font: (weight: string) => string}} Sheet */

/** What is shown, from top to bottom: [name, top, height]. @param {object} data @param {Set<string>} shown */
export function layout(data, shown) {
  const lanes = [];
  let top = GAP;
  const add = (name, height, when) => {
    if (!when) return;
    lanes.push({ name, top, height });
    top += height + GAP;
  };
  add("sections", 20, shown.has("sections") && data.sections?.length);
  add("chords", 20, shown.has("chords") && data.chords?.length);
  add("wave", WAVE, true);
  const count = data.instruments?.lanes.length ?? 0;
  add("instruments", count * ONE_INSTRUMENT, shown.has("instruments") && count);
  add("loudness", 52, shown.has("loudness") && data.loudness?.values.length);
  add("ruler", RULER, true);
  return { lanes, height: top - GAP };
}

/** @param {Sheet} sheet @param {object} data @param {{lanes: Array}} places @param {Set<string>} shown */
export function drawLanes(sheet, data, places, shown) {
  for (const place of places.lanes) LANES[place.name]?.(sheet, place, data);
  const wave = places.lanes.find((place) => place.name === "wave");
  if (shown.has("beats")) drawBeats(sheet, wave, data);
  if (shown.has("defects")) drawDefects(sheet, wave, data);
}

/** (min, max) pairs of the whole track as bars. @param {Sheet} sheet @param {number[]} peaks */
export function drawWave({ pen, axis, width }, place, peaks, colour) {
  const pairs = peaks.length / 2;
  const middle = place.top + place.height / 2;
  const reach = place.height / 2 - 2;
  const loudest = peaks.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  const perSecond = pairs / axis.length;
  pen.fillStyle = colour;
  for (let x = 0; x < width; x += BAR + 1) {
    const from = Math.floor(axis.at(x / width) * perSecond);
    const to = Math.max(from + 1, Math.floor(axis.at((x + BAR + 1) / width) * perSecond));
    let [low, high] = [0, 0];
    for (let pair = from; pair < Math.min(to, pairs); pair++) {
      low = Math.min(low, peaks[2 * pair]);
      high = Math.max(high, peaks[2 * pair + 1]);
    }
    const [top, bottom] = [(-high / loudest) * reach, (-low / loudest) * reach];
    pen.fillRect(x, middle + top, BAR, Math.max(bottom - top, 1.5));
  }
}

const LANES = {
  sections(sheet, { top, height }, { sections }) {
    const { pen, axis, width, colour } = sheet;
    const labels = [...new Set(sections.map(([, , label]) => label))];
    for (const [start, end, label, role, sure] of seen(sections, axis)) {
      const [left, right] = [axis.x(start, width), axis.x(end, width)];
      pen.globalAlpha = 0.14 + 0.14 * (labels.indexOf(label) % 4);
      pen.fillStyle = colour("--figure");
      pen.fillRect(left, top, Math.max(right - left - 1, 1), height);
      pen.globalAlpha = sure < UNSURE ? 0.65 : 1;
      const guess = role ? `${sure < UNSURE ? "~" : ""}${role}` : "";
      write(sheet, [label, guess].filter(Boolean).join("  "), left, right, top + height - 6);
      pen.globalAlpha = 1;
    }
  },

  chords(sheet, { top, height }, { chords }) {
    const { pen, axis, width, colour } = sheet;
    for (const [start, end, name, sure] of seen(chords, axis)) {
      const [left, right] = [axis.x(start, width), axis.x(end, width)];
      pen.fillStyle = colour("--line");
      pen.fillRect(left, top, 1, height);
      if (name === "N") continue;
      pen.globalAlpha = sure < UNSURE ? 0.55 : 1;
      write(sheet, short(name), left, right, top + height - 6);
      pen.globalAlpha = 1;
    }
  },

  instruments(sheet, { top }, { instruments }) {
    const { pen, axis, width, colour } = sheet;
    const { step, lanes } = instruments;
    pen.fillStyle = colour("--figure");
    lanes.forEach(([name, values], row) => {
      const y = top + row * ONE_INSTRUMENT;
      values.forEach((value, index) => {
        // Whole pixels: two translucent blocks that share one would show a seam.
        const [left, right] = [index, index + 1].map((each) => Math.round(axis.x(each * step, width)));
        if (right < 0 || left > width || value < 5) return;
        pen.globalAlpha = Math.min(value / 100, 1) * 0.7;
        pen.fillRect(left, y + 3, right - left, ONE_INSTRUMENT - 6);
      });
      pen.globalAlpha = 1;
      label(sheet, name, y + 11);
      pen.fillStyle = colour("--figure");
    });
  },

  loudness(sheet, { top, height }, { loudness }) {
    const { pen, axis, width, colour } = sheet;
    const y = (lufs) => {
      const share = (LOUDEST_LUFS - lufs) / (LOUDEST_LUFS - QUIETEST_LUFS);
      return top + Math.min(Math.max(share, 0), 1) * height;
    };
    pen.fillStyle = colour("--line");
    pen.fillRect(0, Math.round(y(STREAMED_LUFS)), width, 1);
    pen.strokeStyle = colour("--muted");
    pen.lineWidth = 1.5;
    pen.beginPath();
    let drawing = false;
    loudness.values.forEach((value, index) => {
      const x = axis.x((index + 0.5) * loudness.step, width);
      if (value === null) drawing = false;
      else if (x > -width && x < 2 * width) {
        if (drawing) pen.lineTo(x, y(value));
        else pen.moveTo(x, y(value));
        drawing = true;
      }
    });
    pen.stroke();
    label(sheet, "LUFS", top + 10);
    write(sheet, "−14", width - 34, width, Math.round(y(STREAMED_LUFS)) - 4);
  },

  ruler({ pen, axis, width, colour, font }, { top }) {
    pen.fillStyle = colour("--line");
    pen.fillRect(0, top, width, 1);
    const { step, marks } = axis.ticks(width);
    pen.textAlign = "center";
    pen.font = font("--weight-text");
    for (const at of marks) {
      const x = Math.round(axis.x(at, width));
      pen.fillStyle = colour("--line-strong");
      pen.fillRect(x, top, 1, 5);
      pen.fillStyle = colour("--muted");
      const text = step < 1 ? `${clock(Math.floor(at))}.${String(Math.round((at % 1) * 100)).padStart(2, "0")}` : clock(at);
      if (x > 24 && x < width - 24) pen.fillText(text, x, top + 18);
    }
    pen.textAlign = "left";
  },
};

function drawBeats({ pen, axis, width, colour }, { top, height }, { beats, downbeats }) {
  if (!beats?.length) return;
  const apart = ((beats.at(-1) - beats[0]) / beats.length / axis.span) * width;
  const strong = new Set(downbeats);
  pen.fillStyle = colour("--text");
  beats.forEach((at, index) => {
    const first = strong.has(index);
    if (at < axis.start || at > axis.end) return;
    if (!first && apart < BEAT_EVERY) return;
    if (first && apart * 4 < BEAT_EVERY) return;
    pen.globalAlpha = first ? 0.34 : 0.16;
    const x = Math.round(axis.x(at, width));
    pen.fillRect(x, first ? top : top + height - 10, 1, first ? height : 10);
  });
  pen.globalAlpha = 1;
}

function drawDefects({ pen, axis, width, colour }, { top, height }, { defects }) {
  for (const [start, end, severity] of seen(defects ?? [], axis)) {
    const [left, right] = [axis.x(start, width), axis.x(end, width)];
    pen.fillStyle = colour(severity === "info" ? "--line-strong" : "--danger-ink");
    pen.globalAlpha = severity === "minor" || severity === "info" ? 0.18 : 0.3;
    pen.fillRect(left, top, Math.max(right - left, 2), height);
    pen.globalAlpha = 1;
    pen.fillRect(left, top, Math.max(right - left, 3), 3);
  }
}

function seen(spans, axis) {
  return spans.filter(([start, end]) => end >= axis.start && start <= axis.end);
}

/** Only where there is room for it. */
function write({ pen, colour, font }, text, left, right, baseline) {
  pen.font = font("--weight-label");
  const from = Math.max(left, 0) + 2;
  const room = right - from - pen.measureText(text).width;
  if (!text || room < 1) return;
  pen.fillStyle = colour("--text");
  pen.fillText(text, from + Math.min(room / 2, 5), baseline);
}

/** A lane's name, on a ground that lets it be read. */
function label({ pen, colour, font }, text, baseline) {
  pen.font = font("--weight-label");
  pen.globalAlpha = 0.82;
  pen.fillStyle = colour("--panel");
  pen.fillRect(0, baseline - 10, pen.measureText(text).width + 14, 13);
  pen.globalAlpha = 1;
  pen.fillStyle = colour("--text");
  pen.fillText(text, 8, baseline);
}

function short(chord) {
  return chord.replace(" minor", "m").replace(" major", "");
}
