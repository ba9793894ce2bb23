// Keys that work anywhere, unless something that takes keys itself has the focus.

import { player, tracksHere } from "./player.js";

const TAKES_KEYS = "input, select, textarea, button, summary, dialog[open], [role=slider]";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest(TAKES_KEYS) || document.querySelector("dialog[open]")) return;
  const act = {
    " ": playOrPause,
    j: () => player.step(-1),
    k: () => player.step(1),
    "/": () => document.querySelector("input[type=search]")?.focus(),
    "?": () => document.getElementById("shortcuts")?.showModal(),
  }[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

function playOrPause() {
  if (player.track) return player.toggle();
  const here = tracksHere();
  if (here.length) player.play(here[0], undefined, here);
}
