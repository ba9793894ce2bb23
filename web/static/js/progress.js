// A thin bar on top for whatever takes longer than a moment; screen readers hear that it is busy.

const MOMENT_MS = 300;
const LONGEST_MS = 20_000;
let running = 0;
let timer = 0;
let bar = null;

function show() {
  bar = document.createElement("div");
  bar.className = "progress-bar";
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Loading…");
  document.body.append(bar);
  document.getElementById("main")?.setAttribute("aria-busy", "true");
}

function hide() {
  clearTimeout(timer);
  bar?.remove();
  bar = null;
  document.getElementById("main")?.removeAttribute("aria-busy");
}

/** @returns {() => void} to be called once it is over; a second call does nothing */
export function begin() {
  if (running++ === 0) timer = setTimeout(show, MOMENT_MS);
  let over = false;
  return () => {
    if (!over && --running === 0) hide();
    over = true;
  };
}

// A page load: this document stays until the next one answers. A download never replaces it.
addEventListener("beforeunload", () => {
  const end = begin();
  setTimeout(end, LONGEST_MS);
  addEventListener("pagehide", end, { once: true });
});
