// The part of a track that is seen: one time axis for everything that is drawn along it.

const SHORTEST_S = 2;
const TICKS_S = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800];
const TICK_EVERY = 88; // pixels, at least

export class Axis {
  start = 0;

  /** @param {number} length of the track in seconds */
  constructor(length) {
    this.length = length;
    this.end = length;
  }

  get span() {
    return this.end - this.start;
  }

  get whole() {
    return this.span >= this.length;
  }

  /** @param {number} seconds @param {number} width in pixels */
  x(seconds, width) {
    return ((seconds - this.start) / this.span) * width;
  }

  /** @param {number} share of what is seen, 0..1 */
  at(share) {
    return this.start + share * this.span;
  }

  /** @param {number} by 2 shows half as much, 0 the whole track @param {number} around seconds that stay where they are */
  zoom(by, around) {
    if (!by) return this.#show(0, this.length);
    const share = (around - this.start) / this.span;
    const span = Math.min(Math.max(this.span / by, Math.min(SHORTEST_S, this.length)), this.length);
    this.#show(around - share * span, span);
  }

  /** @param {number} seconds */
  pan(seconds) {
    this.#show(this.start + seconds, this.span);
  }

  /** Turns the page when what plays has left it. @param {number} seconds @returns {boolean} */
  follow(seconds) {
    if (this.whole || (seconds >= this.start && seconds < this.end - this.span * 0.04)) return false;
    this.#show(seconds - this.span * 0.08, this.span);
    return true;
  }

  /** Where time marks stand, in seconds. @param {number} width */
  ticks(width) {
    const step = TICKS_S.find((each) => (each / this.span) * width >= TICK_EVERY) ?? this.span;
    const first = Math.ceil(this.start / step) * step;
    const marks = [];
    for (let at = first; at < this.end; at += step) marks.push(at);
    return { step, marks };
  }

  #show(start, span) {
    this.start = Math.min(Math.max(start, 0), Math.max(this.length - span, 0));
    this.end = Math.min(this.start + span, this.length);
  }
}

/** The span that holds this moment; spans are [start, end, …] in order. @param {Array} spans */
export function spanAt(spans, seconds) {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle][0] <= seconds) low = middle + 1;
    else high = middle;
  }
  const found = spans[low - 1];
  return found && seconds < found[1] ? found : null;
}
