// <file-drop> takes files and whole folders, and so does the whole page when they are dropped on it.

/** Every file below dropped entries. @param {FileSystemEntry[]} entries @returns {Promise<File[]>} */
async function filesBelow(entries) {
  const files = [];
  for (const entry of entries) {
    if (entry.isFile) {
      files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
      continue;
    }
    const reader = entry.createReader();
    // readEntries gives at most 100 at a time, and an empty list at the end.
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break;
      files.push(...(await filesBelow(some)));
    }
  }
  return files;
}

/** Files below dropped handles, each with the handle that leads to it after a reload too. */
async function handledBelow(handles) {
  const found = [];
  for (const handle of handles) {
    if (handle.kind === "file") found.push([await handle.getFile(), handle]);
    else for await (const below of handle.values()) found.push(...(await handledBelow([below])));
  }
  return found;
}

/** @param {Iterable<File>} files @param {Map<File, FileSystemFileHandle>} [handles] */
function take(files, handles = new Map()) {
  document.querySelector("upload-panel").add([...files], handles);
}

/** Ask for files. @param {boolean} folder */
export function choose(folder, accept = "") {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = folder;
  if (!folder) input.accept = accept;
  // In the page, or nobody holds it while the dialogue is open.
  input.hidden = true;
  document.body.append(input);
  input.addEventListener("change", () => take(input.files));
  for (const end of ["change", "cancel"]) input.addEventListener(end, () => input.remove());
  input.click();
}

customElements.define(
  "file-drop",
  class extends HTMLElement {
    connectedCallback() {
      this.setAttribute("ready", "");
      const accept = () => this.querySelector("input[type=file]")?.accept ?? "";
      this.addEventListener("click", (event) => {
        if (event.target.closest(".choose-files")) choose(false, accept());
        if (event.target.closest(".choose-folder")) choose(true);
      });
    }
  },
);

const overlay = document.createElement("div");
overlay.className = "drop-here";
overlay.hidden = true;
overlay.innerHTML = "<p>Drop to add to your vault</p>";
document.body.append(overlay);
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

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
  const loose = [...event.dataTransfer.files];
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  const asked = items.map((item) => item.getAsFileSystemHandle?.());
  const handles = asked.every(Boolean) ? await Promise.all(asked).catch(() => []) : [];
  if (handles.length && handles.every(Boolean)) {
    const found = await handledBelow(handles);
    take(found.map(([file]) => file), new Map(found));
  } else {
    take(entries.every(Boolean) && entries.length ? await filesBelow(entries) : loose);
  }
});
