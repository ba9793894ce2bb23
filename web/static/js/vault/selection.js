// The rows of the list by keyboard and mouse: one has the focus, some are selected.
// What is done with the selected ones is in bulk.js, fetched when it is first needed.

import { announce, isTyped } from "../text.js";

/** What one request may change at once, as commands/vault/bulk.py says. */
export const MOST = 200;
/** @type {Map<string, number>} asset id → the version that is shown */
export const selected = new Map();

let anchor = null; // where a range begins
let last = null; // the row that had the focus last

/** @returns {HTMLElement[]} */
export const rows = () => [...document.querySelectorAll("#tracks tr[data-asset]:not([data-leaving])")];

/** @param {HTMLElement[]} some @param {boolean} on */
export function select(some, on = true) {
  for (const row of some) {
    if (!on) selected.delete(row.dataset.asset);
    else if (selected.size < MOST) selected.set(row.dataset.asset, Number(row.dataset.version));
  }
  show();
  const full = selected.size === MOST ? `, no more than ${MOST} at once` : "";
  announce(`${selected.size} selected${full}`);
}

/** Lets all of them go. Whoever did so in the bar, which goes too, is back at the rows. */
export function clear() {
  const inBar = document.activeElement?.closest("bulk-bar");
  selected.clear();
  show();
  announce("No track is selected");
  if (inBar) focusRow(lastRow());
}

/** Does something that takes rows away; the focus goes to the row that comes up in their place. */
export function taking(away) {
  const before = rows();
  const place = before.indexOf(lastRow());
  away();
  const { activeElement: focused } = document;
  if (focused?.isConnected && focused !== document.body && focused.checkVisibility()) return;
  const left = rows();
  if (left.length) focusRow(before.slice(place).find((row) => left.includes(row)) ?? left.at(-1));
  else document.getElementById("main")?.focus({ preventScroll: true });
}

const lastRow = () => rows().find((row) => row.id === last) ?? rows().find((row) => row.tabIndex === 0);

export function showAs(view) {
  const table = document.querySelector("table.tracks");
  if (table) table.dataset.view = view;
  for (const link of document.querySelectorAll("[data-view][href]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  document.cookie = `noculture_view=${view}; path=/; max-age=31536000; samesite=lax`;
}

/** Rows look as they are selected; versions follow what is shown, who is gone is let go. */
function show() {
  const here = new Map(rows().map((row) => [row.dataset.asset, row]));
  for (const id of [...selected.keys()]) if (!here.has(id)) selected.delete(id);
  for (const [id, row] of here) {
    const on = selected.has(id);
    if (on) selected.set(id, Number(row.dataset.version));
    row.setAttribute("aria-selected", String(on));
    const box = row.querySelector("[data-select]");
    if (box) box.checked = on;
  }
  const all = document.querySelector("[data-select-all]");
  if (all) {
    all.checked = selected.size > 0 && selected.size === here.size;
    all.indeterminate = selected.size > 0 && selected.size < here.size;
  }
  keepOneTabStop(here.values());
  const bar = document.querySelector("bulk-bar");
  if (bar && (selected.size || !bar.hidden)) act((bulk) => bulk.showBar());
}

function keepOneTabStop(all) {
  const list = [...all];
  if (list.length && !list.some((row) => row.tabIndex === 0)) list[0].tabIndex = 0;
}

/** @param {(bulk: typeof import("./bulk.js")) => void} what */
function act(what) {
  import("./bulk.js").then(what);
}

function focusRow(row) {
  if (!row) return;
  for (const other of rows()) other.tabIndex = other === row ? 0 : -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function range(to) {
  const all = rows();
  const from = all.findIndex((row) => row.id === anchor);
  const ends = [from < 0 ? all.indexOf(to) : from, all.indexOf(to)].sort((a, b) => a - b);
  return all.slice(ends[0], ends[1] + 1);
}

function toggle(row, event) {
  if (event.shiftKey && anchor) return select(range(row));
  anchor = row.id;
  select([row], !selected.has(row.dataset.asset));
}

/** How many rows further an arrow leads; 0 for none of ours. In the grid there are columns. */
function steps(key) {
  if (document.querySelector("table.tracks")?.dataset.view !== "grid") {
    return { ArrowDown: 1, ArrowUp: -1 }[key] ?? 0;
  }
  const all = rows();
  const top = all[0]?.offsetTop;
  const columns = Math.max(1, all.filter((row) => row.offsetTop === top).length);
  return { ArrowDown: columns, ArrowUp: -columns, ArrowRight: 1, ArrowLeft: -1 }[key] ?? 0;
}

function move(row, event) {
  const all = rows();
  const wanted = row ? all.indexOf(row) + steps(event.key) : all.findIndex((each) => each.tabIndex === 0);
  const next = all[Math.min(Math.max(wanted, 0), all.length - 1)];
  if (!next) return;
  if (event.shiftKey && row) {
    anchor ??= row.id;
    if (!selected.has(row.dataset.asset)) anchor = row.id;
    select(range(next));
  } else {
    anchor = next.id;
  }
  focusRow(next);
}

function keyed(event) {
  const target = event.target;
  const row = target.closest?.("#tracks tr[data-asset]");
  const free = target === document.body || target.id === "main";
  if (!document.getElementById("tracks") || document.querySelector("dialog[open]") || isTyped(target)) return null;
  const command = event.ctrlKey || event.metaKey;
  // Escape clears the selection wherever the focus is, so that nobody has to look for the right place.
  if (event.key === "Escape" && !command && !event.altKey) return selected.size ? clear : null;
  if (!(row || free || target.closest?.("#tracks, bulk-bar"))) return null;
  if (command && event.key.toLowerCase() === "a") return () => select(rows());
  if (command || event.altKey) return null;
  const some = row && !selected.size ? () => select([row]) : () => {};
  const onRow = target === row;
  switch (event.key) {
    case "ArrowDown":
    case "ArrowUp":
    case "ArrowLeft":
    case "ArrowRight":
      return steps(event.key) && (row || event.key.endsWith("Down")) ? () => move(row, event) : null;
    case "Home":
    case "End":
      return onRow ? () => focusRow(rows().at(event.key === "Home" ? 0 : -1)) : null;
    case "Enter":
      return onRow ? () => row.querySelector(".cell-title a").click() : null;
    case " ":
      return onRow ? () => row.querySelector("[data-play]")?.click() : null;
    case "x":
    case "X":
      return row ? () => toggle(row, event) : null;
    case "n":
      return row || selected.size ? () => act((bulk) => bulk.queue("next", row)) : null;
    case "a":
      return row || selected.size ? () => act((bulk) => bulk.queue("last", row)) : null;
    case "e":
      return row || selected.size ? () => (some(), act((bulk) => bulk.edit())) : null;
    case "Delete":
      return row || selected.size ? () => (some(), act((bulk) => bulk.remove())) : null;
    default:
      return null;
  }
}

document.addEventListener("keydown", (event) => {
  const what = event.defaultPrevented ? null : keyed(event);
  if (!what) return;
  event.preventDefault();
  what();
});

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-select]");
  if (box) toggle(box.closest("tr"), event);
  if (event.target.closest("[data-select-all]")) select(rows(), event.target.checked);
  const view = event.target.closest("[data-view][href]");
  if (view && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    event.stopPropagation();
    showAs(view.dataset.view);
  }
  const asked = event.target.closest("[data-bulk]");
  if (asked) act((bulk) => bulk[asked.dataset.bulk]());
});
document.addEventListener("focusin", (event) => {
  last = event.target.closest?.("#tracks tr[data-asset]")?.id ?? last;
});
document.addEventListener("htmx:after:swap", show);
show();
