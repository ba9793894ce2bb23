// Links swap only <main>, so that music and uploads go on; this does what a page load would have done.

import { localTimes } from "./page.js";
import { announce } from "./text.js";

function markCurrent() {
  const [, first] = location.pathname.split("/");
  for (const link of document.querySelectorAll(".top nav a")) {
    if (link.dataset.holds.split(" ").includes(first)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

let lastPath = location.pathname;

document.addEventListener("htmx:after:swap", () => {
  localTimes();
  markCurrent();
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
  const copier = event.target.closest("[data-copy]");
  if (copier) {
    const field = document.getElementById(copier.dataset.copy);
    field.select();
    await navigator.clipboard?.writeText(field.value);
    copier.textContent = "Copied";
    announce("Copied");
  }
});
