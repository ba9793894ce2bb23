// Whatever on a page plays a track or puts it into the queue, and shows that it plays.

import { player, trackOf, tracksHere } from "./player.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  if (!button) return;
  if (player.track?.id === button.dataset.play) return player.toggle();
  const track = trackOf(button.closest("[data-asset][data-title]"));
  const here = tracksHere();
  player.play(track, undefined, here.length > 1 ? here : []);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-queue]");
  if (!button) return;
  enqueue([trackOf(button.closest("[data-asset][data-title]"))], button.dataset.queue);
  button.closest("[popover]")?.hidePopover();
  button.closest("details")?.removeAttribute("open");
});

/** @param {import("./player.js").Track[]} tracks @param {"next" | "last"} where */
export function enqueue(tracks, where) {
  if (!tracks.length) return;
  player.enqueue(tracks, where);
  const what = tracks.length === 1 ? `“${tracks[0].title}”` : `${tracks.length} tracks`;
  const told = { next: `${what} will play next.`, last: `${what} added to the queue.` }[where];
  import("../toasts.js").then(({ toast }) => toast(told, { seconds: 5 }));
}

/** Buttons and rows show what plays, also those that arrive later. */
function mark() {
  for (const button of document.querySelectorAll("[data-play]")) {
    const current = button.dataset.play === player.track?.id;
    const playing = current && player.playing;
    if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(playing));
    const row = button.closest("tr, li[data-asset]");
    if (!row) continue;
    if (current) row.dataset.playing = String(playing);
    else delete row.dataset.playing;
  }
}
for (const name of ["track", "change"]) player.addEventListener(name, mark);
document.addEventListener("htmx:after:swap", mark);
