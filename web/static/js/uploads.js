// <file-drop> takes files and whole folders, <upload-panel> sends them and shows how far each is.

import { lastOf } from "./live.js";
import { announce, clock, size } from "./text.js";
import { Held, TusUpload } from "./tus.js";

const AT_ONCE = 3;
const RATE_WINDOW_MS = 6_000;
const AUDIO = /\.(mp3|flac|wav|wave|aif|aiff|aifc|ogg|oga|opus|m4a|mp4|aac|alac|wma)$/i;

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

/** @param {Iterable<File>} files */
function take(files) {
  document.querySelector("upload-panel").add([...files]);
}

customElements.define(
  "file-drop",
  class extends HTMLElement {
    connectedCallback() {
      this.setAttribute("ready", "");
      this.addEventListener("click", (event) => {
        if (event.target.closest(".choose-files")) this.#choose(false);
        if (event.target.closest(".choose-folder")) this.#choose(true);
      });
    }

    #choose(folder) {
      const input = document.createElement("input");
      input.type = "file";
      input.multiple = true;
      input.webkitdirectory = folder;
      if (!folder) input.accept = this.querySelector("input[type=file]")?.accept ?? "";
      input.addEventListener("change", () => take(input.files));
      input.click();
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
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
  // Entries must be taken before the first await: the list is emptied when the handler returns.
  const loose = [...event.dataTransfer.files];
  take(entries.every(Boolean) && entries.length ? await filesBelow(entries) : loose);
});

/** One file on its way: waiting, sending, held, failed, stored, and then what the log says of it. */
class Item {
  state = "waiting";
  sent = 0;
  asset = null;

  constructor(file, row, endpoint, changed) {
    this.file = file;
    this.row = row;
    this.changed = changed;
    this.upload = new TusUpload(file, endpoint, (sent) => {
      this.sent = sent;
      this.show(`${size(sent)} of ${size(file.size)}`);
      changed(this);
    });
    row.querySelector(".name").textContent = file.name;
    row.querySelector(".name").title = file.name;
    this.show(size(file.size));
  }

  /** @param {string} text */
  show(text) {
    const { row, state } = this;
    row.className = { failed: "bad", ready: "done" }[state] ?? "";
    row.querySelector(".said").textContent = text;
    const bar = row.querySelector("progress");
    bar.value = this.file.size ? this.sent / this.file.size : 0;
    bar.hidden = !["waiting", "sending", "held"].includes(state);
    row.querySelector(".hold").hidden = !["waiting", "sending"].includes(state);
    row.querySelector(".again").hidden = state !== "held" && !(state === "failed" && !this.asset);
    row.querySelector(".cancel").hidden = !["waiting", "sending", "held", "failed"].includes(state);
  }

  async run() {
    this.state = "sending";
    this.show("Starting");
    try {
      const { asset, duplicate } = await this.upload.run();
      this.asset = asset;
      this.#link();
      this.state = duplicate ? "ready" : "stored";
      this.show(duplicate ? "Already in your vault" : "Stored, checking");
      if (!duplicate) this.hear(lastOf.get(asset));
    } catch (error) {
      this.state = error instanceof Held ? "held" : "failed";
      this.show(error instanceof Held ? "Paused" : error.message || "The connection was lost");
    }
    this.changed(this);
  }

  /** @param {object | undefined} envelope of the asset's or its analysis's event */
  hear(envelope) {
    const said = {
      "asset.verified": ["stored", "Checked, measuring"],
      "analysis.requested": ["stored", "Checked, measuring"],
      "analysis.completed": ["ready", "Ready"],
      "analysis.failed": ["failed", "Stored, but could not be measured"],
      "asset.rejected": ["failed", envelope?.data.reason],
    }[envelope?.type];
    if (!said || this.state === "ready" || this.state === "failed") return;
    [this.state] = said;
    this.show(said[1]);
  }

  #link() {
    const link = document.createElement("a");
    link.href = `/assets/${this.asset}`;
    link.textContent = this.file.name;
    this.row.querySelector(".name").replaceChildren(link);
    globalThis.htmx?.process(this.row);
  }
}

customElements.define(
  "upload-panel",
  class extends HTMLElement {
    /** @type {Item[]} */
    items = [];
    #samples = [];
    #paused = false;

    connectedCallback() {
      this.list = this.querySelector("ol");
      this.querySelector(".close").addEventListener("click", () => this.#close());
      this.querySelector(".fold").addEventListener("click", (event) => {
        const folded = this.toggleAttribute("data-folded");
        event.currentTarget.setAttribute("aria-expanded", String(!folded));
      });
      this.querySelector(".pause-all").addEventListener("click", () => this.#pauseAll());
      document.addEventListener("noculture:event", ({ detail }) => {
        this.items.find((item) => item.asset === detail.asset)?.hear(detail.envelope);
        this.#head();
      });
      addEventListener("beforeunload", (event) => {
        if (this.#busy.length) event.preventDefault();
      });
    }

    get #busy() {
      return this.items.filter((item) => ["waiting", "sending", "held"].includes(item.state));
    }

    /** @param {File[]} files */
    add(files) {
      const audio = files.filter((file) => AUDIO.test(file.name) && !file.name.startsWith("."));
      this.skipped = files.length - audio.length;
      for (const file of audio) {
        const row = this.querySelector("template").content.firstElementChild.cloneNode(true);
        const item = new Item(file, row, this.dataset.endpoint, () => this.#progressed());
        row.querySelector(".hold").addEventListener("click", () => this.#hold(item));
        row.querySelector(".again").addEventListener("click", () => this.#again(item));
        row.querySelector(".cancel").addEventListener("click", () => this.#cancel(item));
        this.items.push(item);
        this.list.append(row);
        if (!file.size) {
          item.state = "failed";
          item.show("The file is empty");
        }
      }
      this.hidden = !this.items.length && !this.skipped;
      announce(`${audio.length} files are being uploaded`);
      this.#next();
    }

    #next() {
      const sending = this.items.filter((item) => item.state === "sending").length;
      const waiting = this.#paused ? [] : this.items.filter((item) => item.state === "waiting");
      for (const item of waiting.slice(0, AT_ONCE - sending)) item.run().then(() => this.#next());
      this.#head();
    }

    #hold(item) {
      if (item.state === "sending") return item.upload.hold();
      item.state = "held";
      item.show("Paused");
      this.#head();
    }

    #again(item) {
      item.state = "waiting";
      item.show("Waiting");
      this.#next();
    }

    #cancel(item) {
      item.upload.cancel();
      item.row.remove();
      this.items = this.items.filter((other) => other !== item);
      this.#next();
    }

    #pauseAll() {
      this.#paused = !this.#paused;
      for (const item of this.items) {
        if (this.#paused && item.state === "sending") item.upload.hold();
        if (!this.#paused && item.state === "held") item.state = "waiting";
      }
      this.#next();
    }

    #close() {
      if (this.#busy.length) return this.querySelector(".fold").click();
      this.items = [];
      this.skipped = 0;
      this.list.replaceChildren();
      this.hidden = true;
    }

    #progressed() {
      const now = performance.now();
      const sent = this.items.reduce((sum, item) => sum + item.sent, 0);
      this.#samples.push([now, sent]);
      this.#samples = this.#samples.filter(([at]) => now - at < RATE_WINDOW_MS);
      this.#head();
    }

    #head() {
      const [count, busy] = [this.items.length, this.#busy.length];
      const failed = this.items.filter((item) => item.state === "failed").length;
      const measuring = this.items.filter((item) => item.state === "stored").length;
      const title = busy
        ? `${this.#paused ? "Paused" : "Uploading"}, ${count - busy} of ${count} done`
        : measuring
          ? `Measuring ${measuring} of ${count}`
          : `${count - failed} of ${count} in your vault`;
      this.querySelector(".title").textContent = title;
      const notes = [busy ? this.#rate() : "", failed ? `${failed} failed` : ""];
      if (this.skipped) notes.push(`${this.skipped} skipped: not audio`);
      this.querySelector(".rate").textContent = notes.filter(Boolean).join(", ");
      const pause = this.querySelector(".pause-all");
      pause.hidden = !busy && !this.#paused;
      pause.textContent = this.#paused ? "Resume" : "Pause";
    }

    /** Mean of the last seconds, and how long the rest takes at that speed. */
    #rate() {
      const [first, last] = [this.#samples[0], this.#samples.at(-1)];
      const elapsed_s = first && last ? (last[0] - first[0]) / 1000 : 0;
      if (elapsed_s < 0.5) return "";
      const rate = (last[1] - first[1]) / elapsed_s;
      const left = this.#busy.reduce((sum, item) => sum + item.file.size - item.sent, 0);
      return rate > 0 ? `${size(rate)}/s, ${clock(left / rate)} left` : "Waiting for the network";
    }
  },
);
