// <file-drop> takes files and whole folders; what is dropped on the page comes from dropping.js.

/**
 * @typedef {object} Found
 * @property {File} file
 * @property {string | null} path where it lay in the folder that was chosen: `Song A/Kick.wav`
 * @property {FileSystemFileHandle | null} handle leads to it after a reload too
 */

const CLOSED_FILE = "This file cannot be read";
const CLOSED_FOLDER = "This folder, or a part of it, cannot be read";

// What was dropped, by either of the browsers' two ways.
const ofHandle = (handle) => ({
  name: handle.name,
  handle,
  isFile: handle.kind === "file",
  file: () => handle.getFile(),
  async *below() {
    for await (const each of handle.values()) yield ofHandle(each);
  },
});

const ofEntry = (entry) => ({
  name: entry.name,
  handle: null,
  isFile: entry.isFile,
  file: () => new Promise((resolve, reject) => entry.file(resolve, reject)),
  async *below() {
    const reader = entry.createReader();
    // readEntries gives at most 100 at a time, and an empty list at the end.
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      yield* some.map(ofEntry);
    }
  },
});

/** Every file of a node into `found`; what cannot be read is refused by itself, the rest goes on. */
async function gather(node, folder, found, refused) {
  const path = folder + node.name;
  try {
    if (node.isFile) found.push({ file: await node.file(), path: folder && path, handle: node.handle });
    else for await (const each of node.below()) await gather(each, `${path}/`, found, refused);
  } catch {
    refused.push({ name: path, why: node.isFile ? CLOSED_FILE : CLOSED_FOLDER, unread: true });
  }
}

/** @param {Found[]} found @param {{name: string, why: string, unread: boolean}[]} [refused] */
function take(found, refused = [], asked = null) {
  document.querySelector("upload-panel").add(found, refused, asked);
}

/** Ask for files. @param {boolean} folder @param {Item | null} asked the row whose file is wanted */
export function choose(folder, accept = "", asked = null) {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = folder;
  if (!folder) input.accept = accept;
  // The page holds the input: without that it may be collected while the dialogue is open.
  input.hidden = true;
  document.body.append(input);
  input.addEventListener("change", () => {
    const files = [...input.files];
    take(files.map((file) => ({ file, path: file.webkitRelativePath, handle: null })), [], asked);
  });
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

/** What was dropped: of each its handle, if it has one, its entry and the file. */
export async function takeDropped(dropped) {
  const [found, refused] = [[], []];
  for (const [asked, entry, file] of dropped) {
    const handle = await asked;
    if (handle ?? entry) await gather(handle ? ofHandle(handle) : ofEntry(entry), "", found, refused);
    else if (file) found.push({ file, path: "", handle: null });
    else refused.push({ name: "Something you dropped", why: "This cannot be read", unread: true });
  }
  take(found, refused);
}
