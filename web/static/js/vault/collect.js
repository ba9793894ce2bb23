// "Add to collection…": a dialog that finds a collection by its name, or makes a new one.

import { announce } from "../text.js";
import { toast } from "../toasts.js";
import { change, madeByHand, make, unmake } from "./collecting.js";

const dialog = document.getElementById("collect");
const input = dialog.querySelector("input");
const list = dialog.querySelector("ul");
const words = dialog.querySelector("[role=status]");

/** @type {import("./player.js").Track[]} what is to be added */
let tracks = [];
/** @type {import("./collecting.js").Collection[]} */
let made = [];
/** @type {{label: string, hint: string, run: () => Promise<void>}[]} */
let options = [];
let current = 0;
let busy = false;
// Enter came before the list did: the first that fits is meant.
let hasty = false;

const counted = (count) => (count === 1 ? "1 track" : `${count} tracks`);
const what = () => (tracks.length === 1 ? `“${tracks[0].title}”` : counted(tracks.length));
const nameOf = ({ name }) => name ?? "No name";

/** @param {import("./player.js").Track[]} some */
export async function collect(some) {
  if (!some.length || dialog.open) return;
  [tracks, made, busy, hasty] = [some, [], true, false];
  dialog.querySelector("h2").textContent = `Add ${what()} to a collection`;
  input.value = "";
  draw();
  dialog.showModal();
  input.focus();
  try {
    made = await madeByHand();
    busy = false;
    draw();
    if (hasty && dialog.open) await run(0);
  } catch (error) {
    busy = false;
    words.textContent = `Your collections did not come: ${error.message}`;
  }
}

function fits({ name }, typed) {
  const text = (name ?? "").toLowerCase();
  return typed.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function draw() {
  const typed = input.value.trim();
  const known = made.some(({ name }) => name?.toLowerCase() === typed.toLowerCase());
  options = made.filter((each) => fits(each, typed)).map(existing);
  if (typed && !known && !busy) options.push({ label: `New collection “${typed}”`, hint: "", run: () => begin(typed) });
  current = 0;
  list.replaceChildren(...options.map(option));
  words.textContent = busy ? "One moment" : options.length ? "" : "Type a name for your first collection.";
  point();
}

function existing(collection) {
  const inside = tracks.filter(({ id }) => collection.assets.includes(id)).length;
  const all = tracks.length === 1 ? "In it already" : "All in it already";
  const some = inside === tracks.length ? all : `${inside} in it already`;
  return { label: nameOf(collection), hint: inside ? some : counted(collection.count), run: () => add(collection) };
}

function option({ label, hint }, number) {
  const made = document.createElement("li");
  made.id = `collect-${number}`;
  made.setAttribute("role", "option");
  for (const text of [label, hint]) made.append(Object.assign(document.createElement("span"), { textContent: text }));
  made.lastChild.className = "muted";
  return made;
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

async function add(collection) {
  const name = nameOf(collection);
  const fresh = tracks.filter(({ id }) => !collection.assets.includes(id));
  const link = { label: "Open", path: `/collections/${collection.id}` };
  if (!fresh.length) {
    const are = tracks.length === 1 ? "is" : "are";
    return told(`${what()} ${are} in “${name}” already.`, { link });
  }
  const ids = fresh.map(({ id }) => id);
  await change(collection.id, { add: ids });
  const before = tracks.length - fresh.length;
  const were = before ? ` ${before} ${before === 1 ? "was" : "were"} in it already.` : "";
  const added = tracks.length === 1 ? what() : counted(fresh.length);
  told(`Added ${added} to “${name}”.${were}`, { link, undo: () => takeBack(() => change(collection.id, { remove: ids })) });
}

async function begin(name) {
  const { id, version } = await make(name, tracks.map(({ id }) => id));
  const link = { label: "Open", path: `/collections/${id}` };
  told(`Added ${what()} to “${name}”, a new collection.`, { link, undo: () => takeBack(() => unmake(id, version)) });
}

function told(text, how) {
  dialog.close();
  toast(text, how);
}

async function takeBack(how) {
  try {
    await how();
    announce("Undone");
  } catch (error) {
    toast(`That cannot be undone: ${error.message}`);
  }
}

async function run(number) {
  hasty = busy && input.value.trim() !== "";
  if (busy || !options[number]) return;
  busy = true;
  try {
    await options[number].run();
  } catch (error) {
    words.textContent = `Not added: ${error.message}`;
  } finally {
    busy = false;
  }
}

input.addEventListener("input", draw);
input.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step && event.key !== "Enter") return;
  event.preventDefault();
  if (!step) return run(current);
  current = (current + step + options.length) % Math.max(options.length, 1);
  point();
});
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) run([...list.children].indexOf(option));
});
