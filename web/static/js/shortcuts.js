// Keys that work anywhere but in text. What a button or a slider needs for itself it keeps.

import { announce, isTyped } from "./text.js";

const OWN_KEYS = new Set([" ", "Enter", "Home", "End", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);
const TAKES_THEM = "input, button, summary, [role=slider]";
const KEYS = {
  "/": () => document.querySelector("input[type=search]")?.focus(),
  "?": () => document.getElementById("shortcuts")?.showModal(),
};

/** @typedef {(key: string) => (() => void) | null | undefined} Keys what a key does, in lower case */
/**
 * @typedef {{
 *   pages?: import("./palette.js").Page[],
 *   deeds?: () => import("./palette.js").Command[],
 *   search?: (typed: string, signal: AbortSignal) => Promise<import("./palette.js").Page[]>,
 * }} Offer
 */

/** @type {Keys[]} */
const ofAreas = [];
/** @type {(() => Promise<Offer>)[]} */
const offers = [];

/** @param {Keys} keys of an area */
export const addKeys = (keys) => ofAreas.push(keys);

/** @param {() => Promise<Offer>} fetch what an area puts into the palette: it comes with it */
export const addToPalette = (fetch) => offers.push(fetch);

/** @type {((typed?: string) => void) | null} */
let openFetched = null;
// Keys typed while the palette is still being fetched; null when it is not.
let typedAhead = null;

async function fetchPalette() {
  const [palette, ...offered] = await Promise.all([import("./palette.js"), ...offers.map((fetch) => fetch())]);
  return (openFetched ??= (typed) => palette.open(offered, typed));
}

/** At once when it is here: a promise, even a kept one, comes after the keys that follow. */
async function openPalette() {
  if (openFetched) return openFetched();
  if (typedAhead !== null) return;
  typedAhead = "";
  try {
    (await fetchPalette())(typedAhead);
  } catch {
    announce("The list of pages and actions did not load. Try again.");
  } finally {
    typedAhead = null;
  }
}

// Before a row or a list hears of it: what is typed behind Ctrl+K is the palette's.
addEventListener(
  "keydown",
  (event) => {
    if (typedAhead === null || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.key.length === 1) typedAhead += event.key;
    else if (event.key === "Enter") typedAhead += "\n";
  },
  { capture: true },
);
document.addEventListener("click", (event) => event.target.closest("[data-palette]") && openPalette());
// Listens on the window, so that a row or a list that takes a key hears of it first.
addEventListener("keydown", (event) => {
  // The modifier comes first: what is typed behind Ctrl+K finds the palette open.
  if (event.key === "Control" || event.key === "Meta") fetchPalette().catch(() => {});
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyped(event.target) || document.querySelector("dialog[open]")) return;
  if (OWN_KEYS.has(event.key) && event.target.closest(TAKES_THEM)) return;
  const key = event.key.toLowerCase();
  const act = KEYS[key] ?? ofAreas.map((keys) => keys(key)).find(Boolean);
  if (!act) return;
  event.preventDefault();
  act();
});
