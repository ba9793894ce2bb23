// What the vault puts into the command palette: tracks by name, and what can be done with them here.

import { ask } from "../asking.js";
import { player } from "./player.js";
import { clear, rows, select, selected, showAs } from "./selection.js";

const TRACKS = 8;

export const pages = [{ label: "Re-analyse all", path: "/vault/measuring" }];

/** @returns {import("../palette.js").Command[]} */
export function deeds() {
  const click = (selector) => () => document.querySelector(selector)?.click();
  const has = (selector) => document.querySelector(selector) !== null;
  const bulk = (name) => () => import("./bulk.js").then((module) => module[name]());
  const count = selected.size === 1 ? "the selected track" : `the ${selected.size} selected tracks`;
  return [
    selected.size && { label: `Play ${count}`, run: bulk("play") },
    selected.size && { label: `Edit ${count}`, keys: "E", run: bulk("edit") },
    selected.size && { label: `Add ${count} to a collection`, run: bulk("collect") },
    has("[data-collect]") && { label: "Add this track to a collection", run: click("[data-collect]") },
    selected.size && { label: `Delete ${count}`, keys: "Del", run: bulk("remove") },
    selected.size && { label: "Clear the selection", keys: "Esc", run: clear },
    rows().length && { label: "Select all tracks shown", keys: "Ctrl A", run: () => select(rows()) },
    has("table.tracks") && { label: "Show tracks as a grid", run: () => showAs("grid") },
    has("table.tracks") && { label: "Show tracks as a table", run: () => showAs("table") },
    has("[type=search]") && { label: "Search the vault", keys: "/", run: () => document.querySelector("[type=search]").focus() },
    has("file-drop .choose button") && { label: "Add music", run: click("file-drop .choose button") },
    player.track && { label: player.playing ? "Pause" : "Play", keys: "Space", run: () => player.toggle() },
    player.track && { label: "Next track", keys: "K", run: () => player.step(1) },
    player.track && { label: "Previous track", keys: "J", run: () => player.step(-1) },
    has("#more-deeds [data-queue]") && { label: "Play this track next", run: click("#more-deeds [data-queue=next]") },
    has("#more-deeds [data-queue]") && { label: "Add this track to the queue", run: click("#more-deeds [data-queue=last]") },
    player.track && { label: "Show the queue", keys: "Q", run: () => document.querySelector("queue-panel").showPopover() },
    player.track && { label: "Shuffle", keys: "S", run: () => player.shuffle() },
    player.track && { label: "Repeat the queue, this track or nothing", keys: "L", run: () => player.repeat() },
    player.region && { label: "Stop looping", keys: "Esc", run: () => player.loop(null) },
  ].filter(Boolean);
}

/** @param {string} typed @param {AbortSignal} signal @returns {Promise<import("../palette.js").Page[]>} */
export async function search(typed, signal) {
  const query = new URLSearchParams({ q: typed, limit: String(TRACKS) });
  const answer = await ask(`/api/assets?${query}`, { signal });
  const { data } = answer.ok ? await answer.json() : { data: [] };
  return data.map(({ id, tags, from_name, filename }) => ({
    label: tags.title ?? from_name?.title ?? filename,
    hint: tags.artist ?? from_name?.artist ?? "Track",
    path: `/assets/${id}`,
  }));
}
