// What plays outlives a reload: the queue, the track and the moment, in this tab and for this account.
// It waits then, for a page that begins to sound by itself is a nuisance, and browsers forbid it.

import { account } from "../session.js";
import { player } from "./player.js";

const KEPT = "noculture_player";

let keeps = true; // until somebody signs out

function keep() {
  if (keeps && player.track) sessionStorage.setItem(KEPT, JSON.stringify({ account, ...player.state }));
}

function restore() {
  const state = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (state?.account === account) player.restore(state);
  else sessionStorage.removeItem(KEPT);
}

function forget() {
  keeps = false;
  sessionStorage.removeItem(KEPT);
}

addEventListener("pagehide", keep);
document.addEventListener("submit", ({ target }) => target.getAttribute("action") === "/sign-out" && forget());
// A tab that sleeps may be closed without another word.
document.addEventListener("visibilitychange", () => document.hidden && keep());
restore();
