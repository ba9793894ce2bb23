// Short words at the edge of the screen that can be answered: "Undo", by click or Ctrl+Z.

const shown = [];

function region() {
  let found = document.getElementById("toasts");
  if (!found) {
    found = document.createElement("div");
    found.id = "toasts";
    found.setAttribute("role", "status");
    document.body.append(found);
  }
  return found;
}

/**
 * @param {string} text
 * @param {{seconds?: number, undo?: () => void, done?: () => void, link?: {label: string, path: string}}} how
 *   `done` runs when the time is over and nobody has undone it
 * @returns {{close: () => void}} without running either
 */
export function toast(text, { seconds = 15, undo, done, link } = {}) {
  const box = document.createElement("div");
  box.className = "toast";
  const words = document.createElement("span");
  words.textContent = text;
  box.append(words);
  let left_ms = seconds * 1000;
  let since = 0;
  let timer = 0;
  const entry = { close, undo: undo && takeBack };

  function close() {
    clearTimeout(timer);
    box.remove();
    if (shown.includes(entry)) shown.splice(shown.indexOf(entry), 1);
  }
  function end() {
    close();
    done?.();
  }
  function takeBack() {
    close();
    undo();
  }
  function run() {
    clearTimeout(timer);
    since = performance.now();
    timer = setTimeout(end, left_ms);
  }
  // The time stands still while somebody reads the toast or is about to press its button.
  function hold() {
    clearTimeout(timer);
    left_ms = Math.max(left_ms - (performance.now() - since), 3000);
  }
  if (link) {
    const to = document.createElement("a");
    to.setAttribute("href", link.path);
    to.textContent = link.label;
    // Once the click has done its work: a link that is gone leads nowhere.
    to.addEventListener("click", () => setTimeout(close));
    box.append(to);
  }
  if (undo) {
    const button = document.createElement("button");
    button.className = "button";
    button.type = "button";
    button.textContent = "Undo";
    button.addEventListener("click", takeBack);
    const key = document.createElement("kbd");
    key.textContent = "Ctrl Z";
    box.append(button, key);
  }
  box.addEventListener("pointerenter", hold);
  box.addEventListener("pointerleave", run);
  box.addEventListener("focusin", hold);
  box.addEventListener("focusout", run);
  region().append(box);
  globalThis.htmx?.process(box);
  shown.push(entry);
  run();
  return entry;
}

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z") return;
  if (event.target.closest("input, textarea, select")) return;
  const last = shown.findLast((entry) => entry.undo);
  if (!last) return;
  event.preventDefault();
  last.undo();
});
