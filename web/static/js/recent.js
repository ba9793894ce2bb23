// The things that were opened last, for the palette. Their names stay in this browser until whoever
// opened them signs out.

import { account } from "./session.js";

const KEY = "noculture:recent";
const MOST = 6;

/** @returns {import("./palette.js").Page[]} the last one first; none of another account */
export function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept?.account === account ? kept.things : [];
  } catch {
    return [];
  }
}

/** A page of a thing says its kind. What is there no more is forgotten with the page that says so. */
function remember() {
  const main = document.getElementById("main");
  const kind = main?.dataset.kind;
  const { pathname: path } = location;
  const others = recent().filter((thing) => thing.path !== path);
  // The title of the window is still the earlier page's when a link has just brought this one.
  const label = main?.querySelector("h1")?.textContent.trim();
  const things = kind && label ? [{ label, hint: kind, path }, ...others] : others;
  try {
    localStorage.setItem(KEY, JSON.stringify({ account, things: things.slice(0, MOST) }));
  } catch {
    // A browser that keeps nothing has nothing that was opened last.
  }
}

remember();
document.addEventListener("htmx:after:swap", remember);
document.addEventListener("noculture:signed-out", () => localStorage.removeItem(KEY));
