// Modules that only some pages need: each is fetched once an element of its own is on the page.

/** @type {Map<string, () => Promise<unknown>>} by selector */
const modules = new Map();

/** @param {string} elements a selector @param {() => Promise<unknown>} fetch a second call does nothing */
export function later(elements, fetch) {
  modules.set(elements, fetch);
  look(elements, fetch);
}

function look(elements, fetch) {
  if (document.querySelector(elements)) fetch();
}

document.addEventListener("htmx:after:swap", () => {
  for (const [elements, fetch] of modules) look(elements, fetch);
});
