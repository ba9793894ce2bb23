// Keys of the player and of a track's page, wherever one is.

import { addKeys } from "../shortcuts.js";
import { announce } from "../text.js";
import { player, tracksHere } from "./player.js";

const STEP_S = 5;
const KEYS = {
  " ": playOrPause,
  j: () => player.step(-1),
  k: () => player.step(1),
  l: () => player.track && announce(player.loop() ? "Repeat is on" : "Repeat is off"),
  b: () => import("./compare.js").then(({ compare }) => compare.flip()),
  c: () => document.querySelector("track-stage") && import("./stage.js").then((stage) => stage.commentHere()),
  arrowleft: () => player.track && player.seek(player.time - STEP_S),
  arrowright: () => player.track && player.seek(player.time + STEP_S),
};

addKeys((key) => KEYS[key] ?? tenth(key));

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
