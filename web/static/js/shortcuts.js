// Keys that work anywhere but in text. What a button or a slider needs for itself it keeps.

import { player, tracksHere } from "./vault/player.js";
import { announce, isTyped } from "./text.js";

const STEP_S = 5;
const OWN_KEYS = new Set([" ", "Enter", "Home", "End", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);
const TAKES_THEM = "input, button, summary, [role=slider]";

let palette = null;
// What is typed while the palette is still on its way; null when nobody waits for it.
let typedAhead = null;

const fetchPalette = async () => (palette ??= await import("./palette.js"));

/** At once when it is here: a promise, even a kept one, comes after the keys that follow. */
async function openPalette() {
  if (palette) return palette.open();
  if (typedAhead !== null) return;
  typedAhead = "";
  try {
    (await fetchPalette()).open(typedAhead);
  } catch {
    announce("The palette did not load. Try again.");
  } finally {
    typedAhead = null;
  }
}

document.addEventListener("click", (event) => event.target.closest("[data-palette]") && openPalette());
document.addEventListener("keydown", (event) => {
  // The modifier comes first: what is typed behind Ctrl+K finds the palette open.
  if (event.key === "Control" || event.key === "Meta") fetchPalette().catch(() => {});
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typedAhead !== null && (event.key.length === 1 || event.key === "Enter")) {
    event.preventDefault();
    typedAhead += event.key === "Enter" ? "\n" : event.key;
    return;
  }
  if (isTyped(event.target) || document.querySelector("dialog[open]")) return;
  if (OWN_KEYS.has(event.key) && event.target.closest(TAKES_THEM)) return;
  const act = {
    " ": playOrPause,
    j: () => player.step(-1),
    k: () => player.step(1),
    l: () => player.track && announce(player.loop() ? "This track repeats" : "Repeats no more"),
    b: () => import("./vault/compare.js").then(({ compare }) => compare.flip()),
    c: () => document.querySelector("track-stage") && import("./vault/stage.js").then((stage) => stage.commentHere()),
    arrowleft: () => player.track && player.seek(player.time - STEP_S),
    arrowright: () => player.track && player.seek(player.time + STEP_S),
    "/": () => document.querySelector("input[type=search]")?.focus(),
    "?": () => document.getElementById("shortcuts")?.showModal(),
  }[event.key.toLowerCase()] ?? tenth(event.key);
  if (!act) return;
  event.preventDefault();
  act();
});

/** 1 to 9: a tenth of the track to nine tenths of it. */
function tenth(key) {
  if (!player.track || !/^[1-9]$/.test(key)) return null;
  return () => player.seek((player.duration * Number(key)) / 10);
}

function playOrPause() {
  if (player.track) return player.toggle();
  const here = tracksHere();
  if (here.length) player.play(here[0], undefined, here);
}
