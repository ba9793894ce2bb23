// Files and folders may be dropped on any page at any moment: they are taken at once, and the uploads are
// fetched for them.

import { tell } from "../navigation.js";

const overlay = document.createElement("div");
overlay.className = "drop-here";
overlay.hidden = true;
overlay.innerHTML = "<p>Drop to add to your vault</p>";
document.body.append(overlay);
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

export const uploads = () => import("./uploads.js");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  overlay.hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) overlay.hidden = true;
});
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  overlay.hidden = true;
  // All must be taken before the first await: the list is emptied when the handler returns.
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  const dropped = items.map((item) => [handleOf(item), item.webkitGetAsEntry?.(), item.getAsFile?.()]);
  const module = await uploads().catch(() => null);
  if (module) await module.takeDropped(dropped);
  else tell("Your files were not taken. Drop them again.");
});

/** None for what was not dropped from a disk, in other browsers, and for folders they protect. */
async function handleOf(item) {
  try {
    return await item.getAsFileSystemHandle?.();
  } catch {
    return null;
  }
}
