// Deletes that the server cannot take back (comments, collections): what is deleted is out of sight at
// once, and the server is told when the time for Undo is over, or when the page is left.

import { ask } from "../asking.js";
import { toast } from "../toasts.js";
import { fetchInto } from "../following.js";

/**
 * @typedef {{path?: string, version?: string, element: string, toast?: {close: () => void}}} Deletion
 *   `element` is the id of what shows the thing
 */
/** @type {Map<string, Deletion>} by `element`: what is out of sight */
const going = new Map();
/** @type {Set<Deletion>} what the server has not been told */
const unsent = new Set();
// The page that comes next may have been made before the server heard of what this one has sent.
const LEFT_BEHIND = "noculture_deleted";
const WHY = { 401: "you are signed out.", 404: "it is gone already.", 412: "somebody else changed it meanwhile." };

function hide() {
  if (!going.size) return;
  for (const id of going.keys()) document.getElementById(id)?.toggleAttribute("hidden", true);
  document.querySelector("track-stage")?.draw?.();
}

/** @param {Deletion} deletion */
function takeBack(deletion) {
  going.delete(deletion.element);
  unsent.delete(deletion);
  document.getElementById(deletion.element)?.removeAttribute("hidden");
  document.querySelector("track-stage")?.draw?.();
}

const request = ({ version }) => ({ method: "DELETE", headers: { "If-Match": `"v${version}"` }, keepalive: true });

/** @param {Deletion} deletion */
async function send(deletion) {
  unsent.delete(deletion);
  try {
    const answer = await ask(deletion.path, request(deletion));
    if (!answer.ok) throw new Error(WHY[answer.status] ?? "something broke on our side. Try again.");
  } catch (error) {
    takeBack(deletion);
    toast(`Not deleted: ${error.message}`);
  }
}

/** @param {HTMLButtonElement} button whose data say what is deleted, and what the page says of it */
export function deleteLater(button) {
  const { deletes: path, element, version, told, back } = button.dataset;
  /** @type {Deletion} */
  const deletion = { path, element, version };
  going.set(element, deletion);
  unsent.add(deletion);
  hide();
  deletion.toast = toast(told, { undo: () => takeBack(deletion), done: () => send(deletion) });
  if (back) fetchInto(back, 0, { target: "#main", select: "#main", swap: "outerHTML", push: back });
  else document.getElementById("main").focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", hide);
addEventListener("pagehide", () => {
  for (const deletion of unsent) {
    fetch(deletion.path, request(deletion));
    deletion.toast.close();
  }
  if (unsent.size) sessionStorage.setItem(LEFT_BEHIND, [...unsent].map(({ element }) => element).join(" "));
  unsent.clear();
});
for (const element of (sessionStorage.getItem(LEFT_BEHIND) ?? "").split(" ")) {
  if (element) going.set(element, { element });
}
sessionStorage.removeItem(LEFT_BEHIND);
hide();
