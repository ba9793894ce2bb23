// Keys of the player and of a track's page, wherever one is.

import { addKeys } from "../shortcuts.js";
import { announce, clock } from "../text.js";
import { player, tracksHere } from "./player.js";
import { REPEATED } from "./player-bar.js";

const STEP_S = 5;
const KEYS = {
  " ": playOrPause,
  j: () => player.step(-1),
  k: () => player.step(1),
  l: repeat,
  s: shuffle,
  q: () => document.querySelector("queue-panel").togglePopover(),
  "[": () => loopHere("from"),
  "]": () => loopHere("to"),
  b: () => import("./compare.js").then(({ compare }) => compare.flip()),
  c: () => document.getElementById("comment-text")?.focus(),
  arrowleft: () => player.track && player.seek(player.time - STEP_S),
  arrowright: () => player.track && player.seek(player.time + STEP_S),
};

addKeys((key) => KEYS[key] ?? (key === "escape" ? endLoop() : tenth(key)));

function repeat() {
  player.repeat();
  announce(REPEATED[player.queue.repeat]);
}

function shuffle() {
  player.shuffle();
  announce(player.queue.shuffled ? "Shuffle is on" : "Shuffle is off");
}

function loopHere(end) {
  if (!player.track) return;
  player.loopHere(end);
  const { region } = player;
  if (region) announce(`Loops ${clock(region.from)} to ${clock(region.to)}`);
}

/** Escape closes what is open first. */
function endLoop() {
  if (!player.region || document.querySelector(":popover-open")) return null;
  return () => {
    player.loop(null);
    announce("The loop is off");
  };
}

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
