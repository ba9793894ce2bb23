// What is done with the selected rows: edited or put into the trash together, and taken back.

import { ask } from "../asking.js";
import { enqueue } from "./play-buttons.js";
import { player, trackOf } from "./player.js";
import { clear, rows, selected, taking } from "./selection.js";
import { announce } from "../text.js";
import { toast } from "../toasts.js";

const TITLES = 3;
const LONGEST_TITLE = 40;
const REFUSED = { 401: "you are signed out. Sign in again.", 429: "that was too much at once. Wait a moment, then try again." };
const NUMBERS = new Set(["year", "tempo_bpm"]);
/** @type {Set<string>} tracks that are on their way into the trash */
const leaving = new Set();

export { clear };

export function showBar() {
  const bar = document.querySelector("bulk-bar");
  if (!bar) return;
  bar.hidden = selected.size === 0;
  bar.querySelector(".count").textContent = `${selected.size} selected`;
  bar.querySelector(".names").textContent = titles(selected);
  const whole = playable();
  bar.querySelector("[data-bulk=play]").hidden = whole.length === 0;
  fill(bar.querySelector("form"), whole);
}

/** The selected tracks that play, in the order of the list. */
const playable = () => rows().filter((row) => selected.has(row.dataset.asset) && row.querySelector("[data-play]"));

/** The form that downloads says which tracks. */
function fill(form, some) {
  form.hidden = some.length === 0;
  for (const field of form.querySelectorAll("[name=id]")) field.remove();
  for (const { dataset } of some) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "id", value: dataset.asset });
    form.append(field);
  }
}

export function play() {
  const queue = playable().map(trackOf);
  if (queue.length) player.play(queue[0], 0, queue);
}

const tracks = (count) => (count === 1 ? "1 track" : `${count} tracks`);

/** `“Iron Bloom”, “Rain on Tape”, “Second Cup” and 2 more`, in the order of the list. */
function titles(some) {
  const all = rows().filter((row) => some.has(row.dataset.asset)).map((row) => quoted(row.dataset.title));
  const more = all.length - TITLES;
  const shown = more > 0 ? [...all.slice(0, TITLES), `${more} more`] : all;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}` : (shown[0] ?? "");
}

function quoted(title) {
  const letters = [...title];
  return `“${letters.length > LONGEST_TITLE ? `${letters.slice(0, LONGEST_TITLE).join("").trim()}…` : title}”`;
}

const named = (some) => [...some].map(([id, version]) => ({ id, version }));

/** @throws {Error} with the server's sentence; `problem` is its whole answer */
async function send(path, body) {
  const answer = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new Error("the server did not answer. Try again.");
  });
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return told;
  const words = REFUSED[answer.status] ?? told?.detail ?? "something broke on our side. Try again.";
  throw Object.assign(new Error(words), { problem: told });
}

export function edit() {
  const dialog = document.getElementById("bulk-edit");
  if (!dialog || !selected.size) return;
  const form = dialog.querySelector("form");
  form.reset();
  form.querySelector("[role=alert]").hidden = true;
  dialog.querySelector("h2").textContent = `Edit ${tracks(selected.size)}`;
  dialog.querySelector(".names").textContent = titles(selected);
  dialog.showModal();
  form.querySelector("[name=artist]").focus();
}

export function collect() {
  const some = rows().filter((row) => selected.has(row.dataset.asset)).map(trackOf);
  import("./collect.js").then(({ collect }) => collect(some));
}

/** @param {"next" | "last"} where @param {HTMLElement} [row] where nothing is selected */
export function queue(where, row) {
  const some = selected.size ? rows().filter((each) => selected.has(each.dataset.asset)) : [row];
  enqueue(some.filter((each) => each.querySelector("[data-play]")).map(trackOf), where);
}

export const last = () => queue("last");

/** What is ticked, as the API wants it: an empty field is null. */
function changesOf(form) {
  const changes = {};
  for (const box of form.querySelectorAll("[data-changes]:checked")) {
    const name = box.dataset.changes;
    const value = form.elements[name].value.trim();
    changes[name] = value === "" ? null : NUMBERS.has(name) ? Number(value) : value;
  }
  return changes;
}

async function save(dialog) {
  const form = dialog.querySelector("form");
  const alert = form.querySelector("[role=alert]");
  const changes = changesOf(form);
  const which = titles(selected);
  if (!Object.keys(changes).length) return tell(alert, "No field is ticked. Tick the fields that you want to change.");
  try {
    const { assets, undo } = await send("/api/assets/edits", { changes, assets: named(selected) });
    dialog.close();
    const edited = undo && `${tracks(undo.assets.length)} edited`;
    const whole = undo?.assets.length === assets.length ? `: ${which}` : ".";
    toast(edited ? edited + whole : `${tracks(assets.length)} had these values already.`, {
      undo: undo && (() => takeBack(undo)),
    });
  } catch (error) {
    tell(alert, wordsOf(error));
  }
}

function tell(alert, text) {
  alert.hidden = false;
  alert.textContent = text;
}

function wordsOf({ message, problem }) {
  const fields = (problem?.errors ?? []).map(({ pointer, detail }) => {
    const field = document.querySelector("#bulk-edit form").elements[pointer.split("/").at(-1)];
    return `${field ? `${field.getAttribute("aria-label")}: ` : ""}${detail.replace(/^Value error, /, "")}`;
  });
  return fields.length ? fields.join(". ") : message;
}

async function takeBack(undo) {
  try {
    await send("/api/assets/edits", undo);
    announce("Undone");
  } catch (error) {
    toast(`The edit was not undone: ${error.message}`);
  }
}

/** Nobody is asked before: what is in the trash can be taken back. */
export async function remove() {
  if (!selected.size) return;
  const going = new Map(selected);
  const which = titles(going);
  for (const id of going.keys()) leaving.add(id);
  taking(() => {
    clear();
    hide();
  });
  try {
    const trashed = await send("/api/assets/trash", { assets: named(going) });
    toast(`Moved ${which} to the trash`, { undo: () => restore(trashed) });
  } catch (error) {
    comeBack(going.keys());
    toast(`Nothing was moved: ${wordsOf(error)}`);
  }
}

/** @param {{assets: {id: string, version: number}[]}} trashed as the server has answered */
async function restore(trashed) {
  try {
    await send("/api/assets/restore", trashed);
    comeBack(trashed.assets.map(({ id }) => id));
    announce("Undone");
  } catch (error) {
    toast(`That cannot be undone: ${error.message}`);
  }
}

function comeBack(ids) {
  for (const id of ids) {
    leaving.delete(id);
    document.getElementById(id)?.removeAttribute("data-leaving");
  }
}

/** Rows that go stay out of sight, also when the list is drawn again before they are gone. */
function hide() {
  for (const row of rows()) row.toggleAttribute("data-leaving", leaving.has(row.dataset.asset));
}

document.addEventListener("htmx:after:swap", hide);

document.addEventListener("submit", (event) => {
  const dialog = event.target.closest("#bulk-edit");
  if (!dialog) return;
  event.preventDefault();
  save(dialog);
});
document.addEventListener("input", (event) => {
  const field = event.target.closest(".bulk-field");
  if (field && event.target.name) field.querySelector("[data-changes]").checked = true;
});
document.addEventListener("click", (event) => {
  if (event.target.closest("#bulk-edit [data-close]")) document.getElementById("bulk-edit").close();
});
