// The command palette (Ctrl+K): pages, tracks by name, and what can be done right here.

import { ask } from "./asking.js";
import { player } from "./vault/player.js";
import { chooseTheme, isDark } from "./page.js";
import { rows, select, selected, showAs, clear } from "./vault/selection.js";

const PAUSE_MS = 120;
const TRACKS = 8;

/** @typedef {{label: string, hint?: string, keys?: string, run: () => void}} Command */

function go(path) {
  const how = { target: "#main", select: "#main", swap: "outerHTML", push: path };
  if (globalThis.htmx) globalThis.htmx.ajax("GET", path, how);
  else location.assign(path);
}

/** @returns {Command[]} */
function pages() {
  const links = [...document.querySelectorAll(".top nav a")];
  return [
    ...links.map((link) => ({ label: link.textContent.trim(), path: link.getAttribute("href") })),
    { label: "Second factor, passkeys, sessions", path: "/account/security" },
    { label: "Measure all tracks again", path: "/vault/measuring" },
  ].map(({ label, path }) => ({ label, hint: "Page", run: () => go(path) }));
}

/** @returns {Command[]} */
function deeds() {
  const click = (selector) => () => document.querySelector(selector)?.click();
  const has = (selector) => document.querySelector(selector) !== null;
  const bulk = (name) => () => import("./vault/bulk.js").then((module) => module[name]());
  const count = selected.size === 1 ? "the selected track" : `the ${selected.size} selected tracks`;
  return [
    selected.size && { label: `Edit ${count}`, keys: "E", run: bulk("edit") },
    selected.size && { label: `Delete ${count}`, keys: "Del", run: bulk("remove") },
    selected.size && { label: "Select nothing", keys: "Esc", run: clear },
    rows().length && { label: "Select all tracks shown", keys: "Ctrl A", run: () => select(rows()) },
    has("table.tracks") && { label: "Show tracks as a grid", run: () => showAs("grid") },
    has("table.tracks") && { label: "Show tracks as a table", run: () => showAs("table") },
    has("[type=search]") && { label: "Search the vault", keys: "/", run: () => document.querySelector("[type=search]").focus() },
    has("file-drop .choose button") && { label: "Add music", run: click("file-drop .choose button") },
    player.track && { label: player.playing ? "Pause" : "Play", keys: "Space", run: () => player.toggle() },
    player.track && { label: "Next track", keys: "K", run: () => player.step(1) },
    player.track && { label: "Previous track", keys: "J", run: () => player.step(-1) },
    { label: isDark() ? "Light theme" : "Dark theme", run: () => chooseTheme(isDark() ? "light" : "dark") },
    { label: "Keyboard shortcuts", keys: "?", run: () => document.getElementById("shortcuts")?.showModal() },
  ].filter(Boolean);
}

/** Every typed word is in the label. */
function fits(label, typed) {
  const text = label.toLowerCase();
  return typed.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const input = element("input", {
  type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list",
  "aria-autocomplete": "list", "aria-label": "Go to, or do", placeholder: "Track, page or command",
  autocomplete: "off", spellcheck: "false", maxlength: "200",
});
const list = element("ul", { id: "palette-list", role: "listbox", "aria-label": "Found" });
const nothing = element("p", { class: "muted", role: "status" });
const dialog = element("dialog", { id: "palette", "aria-label": "Command palette" }, input, list, nothing);
document.body.append(dialog);

let current = 0;
/** @type {Command[]} */
let commands = [];
let asking = null;
let timer = 0;
let searching = false;
// Enter came before the answer: the first track that is found is opened.
let hasty = false;

function draw() {
  list.replaceChildren(
    ...commands.map(({ label, hint, keys }, number) => {
      const option = element("li", { role: "option", id: `palette-${number}`, "aria-selected": String(number === current) });
      option.append(element("span", {}, label));
      if (hint) option.append(element("span", { class: "muted" }, hint));
      if (keys) option.append(element("kbd", {}, keys));
      return option;
    }),
  );
  nothing.textContent = commands.length ? "" : searching ? "Searching" : "Nothing fits";
  point();
}

function point() {
  for (const [number, option] of [...list.children].entries()) {
    option.setAttribute("aria-selected", String(number === current));
  }
  const option = list.children[current];
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function find() {
  const typed = input.value.trim();
  const local = [...deeds(), ...pages()];
  commands = typed ? local.filter(({ label }) => fits(label, typed)) : local;
  current = 0;
  searching = typed !== "";
  hasty = false;
  draw();
  clearTimeout(timer);
  asking?.abort();
  if (searching) timer = setTimeout(() => findTracks(typed), PAUSE_MS);
}

async function findTracks(typed) {
  asking = new AbortController();
  try {
    const query = new URLSearchParams({ q: typed, limit: String(TRACKS) });
    const answer = await ask(`/api/assets?${query}`, { signal: asking.signal });
    const { data } = answer.ok ? await answer.json() : { data: [] };
    const tracks = data.map(({ id, tags, filename }) => ({
      label: tags.title ?? filename,
      hint: tags.artist ?? "Track",
      run: () => go(`/assets/${id}`),
    }));
    commands = [...commands, ...tracks];
    searching = false;
    draw();
    if (hasty) run(0);
  } catch (error) {
    if (error.name === "AbortError") return;
    searching = false;
    draw();
  }
}

function run(number) {
  const command = commands[number];
  hasty = searching && !command;
  if (!command) return;
  dialog.close();
  command.run();
}

input.addEventListener("input", find);
input.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    current = (current + step + commands.length) % Math.max(commands.length, 1);
    point();
  } else if (event.key === "Enter") {
    event.preventDefault();
    run(current);
  }
});
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) run([...list.children].indexOf(option));
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  hasty = false;
});

/** @param {string} typed what it is asked already; a line's end stands for Enter */
export function open(typed = "") {
  if (dialog.open) return dialog.close();
  if (document.querySelector("dialog[open]")) return;
  input.value = typed;
  find();
  dialog.showModal();
  input.focus();
  if (typed.endsWith("\n")) run(0);
}
