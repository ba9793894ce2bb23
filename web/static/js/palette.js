// The command palette (Ctrl+K): what was opened last, pages, what can be done right here, and what
// areas find by name.

import { chooseTheme, isDark } from "./page.js";
import { recent } from "./recent.js";

const PAUSE_MS = 120;

/** @typedef {{label: string, hint?: string, keys?: string, path?: string, run: () => void}} Command */
/** @typedef {{label: string, hint?: string, path: string}} Page */

/** @type {import("./shortcuts.js").Offer[]} */
let offers = [];

function go(path) {
  const how = { target: "#main", select: "#main", swap: "outerHTML", push: path };
  if (globalThis.htmx) globalThis.htmx.ajax("GET", path, how);
  else location.assign(path);
}

/** @param {Page} page @returns {Command} */
const opening = ({ label, hint = "Page", path }) => ({ label, hint, path, run: () => go(path) });

/** @returns {Command[]} */
function pages() {
  const links = [...document.querySelectorAll(".side [data-page]")];
  const sections = links.map((link) => ({ label: link.title, path: link.getAttribute("href") }));
  return [...sections, ...offers.flatMap((offer) => offer.pages ?? [])].map(opening);
}

/** @returns {Command[]} */
function deeds() {
  return [
    ...offers.flatMap((offer) => offer.deeds?.() ?? []),
    { label: isDark() ? "Light theme" : "Dark theme", run: () => chooseTheme(isDark() ? "light" : "dark") },
    { label: "Fold or unfold the sidebar", run: () => document.querySelector(".fold-side").click() },
    { label: "Keyboard shortcuts", keys: "?", run: () => document.getElementById("shortcuts")?.showModal() },
    { label: "Sign out", run: () => document.querySelector(".side [action='/sign-out']").requestSubmit() },
  ];
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
  "aria-autocomplete": "list", "aria-label": "Jump to a page, track or action", placeholder: "Track, page or action",
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
// Enter came before the answer: the first thing that is found is opened.
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
  nothing.textContent = commands.length ? "" : searching ? "Searching…" : "Nothing found";
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
  const here = recent().filter(({ path }) => path !== location.pathname);
  const local = [...here.map(opening), ...pages(), ...deeds()];
  commands = typed ? local.filter(({ label }) => fits(label, typed)) : local;
  current = 0;
  searching = typed !== "";
  hasty = false;
  draw();
  clearTimeout(timer);
  asking?.abort();
  if (searching) timer = setTimeout(() => search(typed), PAUSE_MS);
}

async function search(typed) {
  asking = new AbortController();
  const { signal } = asking;
  try {
    const found = await Promise.all(offers.map((offer) => offer.search?.(typed, signal) ?? []));
    const known = new Set(commands.map(({ path }) => path));
    commands = [...commands, ...found.flat().filter(({ path }) => !known.has(path)).map(opening)];
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

/**
 * @param {import("./shortcuts.js").Offer[]} offered by the areas
 * @param {string} typed what it is asked already; a line's end stands for Enter
 */
export function open(offered, typed = "") {
  if (dialog.open) return dialog.close();
  if (document.querySelector("dialog[open]")) return;
  offers = offered;
  input.value = typed;
  find();
  dialog.showModal();
  input.focus();
  if (typed.endsWith("\n")) run(0);
}
