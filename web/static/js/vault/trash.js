// What was just put into the trash is told at the edge of the screen, with a way back.

import { ask } from "../asking.js";
import { announce } from "../text.js";
import { toast } from "../toasts.js";

/** The notice of the page becomes a toast, which stays while somebody goes on to other pages. */
function tell() {
  const notice = document.querySelector("form[data-trashed]");
  if (!notice) return;
  notice.remove();
  toast(notice.querySelector("span").textContent, { undo: () => takeBack(notice) });
}

/** Sends the form that the notice had. */
async function takeBack(form) {
  try {
    const answer = await ask(form.action, { method: "POST", body: new FormData(form) });
    if (!answer.ok) throw new Error("it is not in the trash any more.");
    announce("Undone");
  } catch (error) {
    toast(`That cannot be undone: ${error.message}`);
  }
}

document.addEventListener("htmx:after:swap", tell);
tell();
