// The search of the list: chips of what is set, the menus beside it, heads that sort, columns.

import { announce } from "../text.js";

const YEAR_S = 31_536_000;
const form = () => document.querySelector("form.search");

/** Takes filters away; the words and all else stay. @param {string[]} names of fields */
function clear(names) {
  const search = form();
  for (const name of names) {
    const field = search.elements[name];
    if (field.type === "hidden") field.remove();
    else field.value = "";
  }
  search.requestSubmit();
  search.elements.q.focus();
}

/** @param {HTMLElement} chip */
function take(chip) {
  announce(chip.getAttribute("aria-label").replace("Remove", "Removed"));
  clear(chip.dataset.fields.split(" "));
}

/** @param {string} order as the list's address has it; empty for the list's own */
function sortBy(order) {
  form().elements.sort.value = order;
  form().requestSubmit();
}

/** A cookie, so that the server leaves the columns out and nothing flashes. */
function showColumns() {
  const boxes = [...form().querySelectorAll("[data-column]")];
  const hidden = boxes.filter((box) => !box.checked).map((box) => box.dataset.column);
  const table = document.querySelector("table.tracks");
  if (table) table.dataset.hidden = hidden.join(" ");
  document.cookie = `noculture_hidden=${hidden.join(".")}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

/** Columns are chosen by this script only. */
function ready() {
  const columns = form()?.querySelector(".columns-shown");
  if (columns) columns.hidden = false;
}

const openMenus = () => document.querySelectorAll("details.dropdown[open]");

// Before htmx, which would follow the links.
document.addEventListener(
  "click",
  (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const chip = event.target.closest("form.search [data-fields]");
    const head = event.target.closest("[data-sort]");
    if (!chip && !head) return;
    event.preventDefault();
    event.stopPropagation();
    if (chip) take(chip);
    else sortBy(head.dataset.sort);
  },
  { capture: true },
);

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-column]")) showColumns();
});

// What opens takes the focus to where one types.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.open || !target.matches("details[name=filter]")) return;
    target.querySelector("input, select")?.focus();
  },
  { capture: true },
);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && openMenus().length) {
    event.preventDefault();
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  const { target } = event;
  if (event.key !== "Backspace" || target.name !== "q" || target.selectionEnd !== 0) return;
  const last = [...document.querySelectorAll("#search-chips [data-fields]")].at(-1);
  if (!last) return;
  event.preventDefault();
  take(last);
});

document.addEventListener("htmx:after:swap", ready);
ready();
