// Keys that work anywhere, unless something that takes keys itself has the focus.

import { player, tracksHere } from "./player.js";
import { announce } from "./text.js";

const STEP_S = 5;
const TAKES_KEYS = "input, select, textarea, button, summary, dialog[open], [role=slider]";

const fetchPalette = () => import("./palette.js");
const openPalette = () => fetchPalette().then((palette) => palette.open());

document.addEventListener("click", (event) => event.target.closest("[data-palette]") && openPalette());
document.addEventListener("keydown", (event) => {
  // The modifier comes first: what is typed behind Ctrl+K finds the palette open.
  if (event.key === "Control" || event.key === "Meta") fetchPalette();
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest(TAKES_KEYS) || document.querySelector("dialog[open]")) return;
  const act = {
    " ": playOrPause,
    j: () => player.step(-1),
    k: () => player.step(1),
    l: () => player.track && announce(player.loop() ? "This track repeats" : "Repeats no more"),
    b: () => import("./compare.js").then(({ compare }) => compare.flip()),
    c: () => document.querySelector("track-stage") && import("./stage.js").then((stage) => stage.commentHere()),
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
