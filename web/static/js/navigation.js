// Links swap only <main>, so that music and uploads go on; this does what a page load would have done.

import { localTimes } from "./page.js";
import { announce } from "./text.js";

const SIDE_COOKIE = "noculture_side";
const YEAR_S = 31_536_000;

/** The server says with each page where it belongs. */
function markCurrent() {
  const place = document.getElementById("main")?.dataset.place;
  for (const link of document.querySelectorAll(".side [data-page]")) {
    if (link.dataset.page === place) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** And how much needs the reader; after an error it does not know. */
function count() {
  const told = [...document.querySelectorAll("main, main [data-needs]")].at(-1)?.dataset.needs;
  if (told === undefined) return;
  for (const count of document.querySelectorAll(".side .count")) {
    count.textContent = told;
    count.hidden = told === "0";
  }
}

/** The sidebar folds to its signs; a cookie, so that the server writes the next page folded. */
function foldSide(button) {
  const root = document.documentElement;
  const side = root.dataset.side === "open" ? "folded" : "open";
  root.dataset.side = side;
  button.setAttribute("aria-expanded", String(side === "open"));
  document.cookie = `${SIDE_COOKIE}=${side}; path=/; max-age=${YEAR_S}; samesite=lax`;
}

let lastPath = location.pathname;

document.addEventListener("htmx:after:swap", () => {
  localTimes();
  markCurrent();
  count();
  if (location.pathname !== lastPath) {
    lastPath = location.pathname;
    document.getElementById("main")?.focus({ preventScroll: true });
    announce(document.title);
  }
});

// What is open stays open when a page is morphed; a change that was sent is over.
document.addEventListener("submit", (event) => event.target.closest("details.edit")?.removeAttribute("open"));

/** @param {string} text */
export const tell = (text) => import("./toasts.js").then(({ toast }) => toast(text));
/** Whether a request of htmx was to change something. */
export const changes = ({ request }) => request.method !== "GET";

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (ctx && changes(ctx)) tell("The server did not answer. Try again.");
});

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open)?.showModal();
  const folder = event.target.closest(".fold-side");
  if (folder) foldSide(folder);
  event.target.closest("[popover] a")?.closest("[popover]").hidePopover();
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    const field = document.getElementById(copier.dataset.copy);
    field.select();
    await navigator.clipboard?.writeText(field.value);
    copier.textContent = "Copied";
    announce("Copied");
  }
});
