// One file on its way: missing, waiting, sending, held, failed, stored, and then what the log says of it.

import { clock, size } from "../text.js";
import { deleteUpload, Held, TusUpload } from "./tus.js";
import { fileOf, forget, newId, remember } from "./upload-memory.js";

const SAID = {
  "asset.verified": ["stored", "Analysing…"],
  "analysis.requested": ["stored", "Analysing…"],
  "analysis.completed": ["ready", "Ready"],
  "analysis.failed": ["failed", "Stored, but not analysed"],
};
export const BUSY = ["waiting", "sending", "held"];

export class Item {
  state = "waiting";
  sent = 0;
  asset = null;
  upload = null;
  rate = 0;
  // Uploads that were looked at and hold another file's bytes, and what led to that file before.
  #others = new Set();
  #earlier = null;

  /**
   * @param {About} about what is known of the file
   * @param {HTMLElement} row
   * @param {object} panel
   * @param {string} panel.endpoint
   * @param {(item: Item) => void} panel.changed
   * @param {(about: About) => Item[]} panel.alike rows that wait for a file that looks the same
   * @param {(about: About) => void} panel.leave an upload is left for its own file
   */
  constructor(about, row, panel) {
    this.about = about;
    this.row = row;
    this.panel = panel;
    const name = row.querySelector(".name");
    name.textContent = about.name;
    name.title = about.path || about.name;
  }

  /** @param {File} file @param {FileSystemFileHandle | null} handle */
  begin(file, handle = null) {
    this.#earlier = this.about.handle === handle ? null : this.about.handle;
    this.about = { ...this.about, handle };
    this.upload = new TusUpload(file, this.panel.endpoint, {
      path: this.about.path,
      url: this.about.url,
      onProgress: (sent) => this.#arrived(sent),
      onLost: (said) => this.#lost(said),
      onBegun: (url) => this.#begun(url),
      onOther: () => this.#other(),
    });
    this.state = "waiting";
    this.show(size(file.size));
    remember(this.about);
  }

  #begun(url) {
    this.about.url = url;
    remember(this.about);
  }

  /** The next upload that may be this file's; without one it is begun anew, and this one stays. */
  #other() {
    const left = { ...this.about, handle: this.#earlier };
    this.#others.add(left.url);
    const next = this.panel.alike(left).find(({ about: { url } }) => url && !this.#others.has(url));
    if (next) {
      this.#earlier = next.about.handle;
      this.about = { ...next.about, handle: this.about.handle };
      next.about = left;
      remember(left);
    } else {
      this.panel.leave(left);
      this.about = { ...this.about, id: newId(), url: null };
    }
    remember(this.about);
    return this.about.url;
  }

  /** Nothing is sent, and a reload asks for it no more. @param {string} why */
  refuse(why) {
    this.state = "failed";
    this.show(why);
    forget(this.about);
  }

  /** After a reload: by its handle, or by choosing it again. @param {boolean} ask */
  async find(ask = false) {
    const file = await fileOf(this.about, ask);
    if (file) return this.begin(file, this.about.handle);
    this.state = "missing";
    this.show(this.about.handle ? "Press the arrow to continue" : "Choose this file again to continue");
  }

  /** @param {string} text */
  show(text) {
    const { row, state } = this;
    row.className = { failed: "bad", ready: "done" }[state] ?? "";
    row.querySelector(".said").textContent = text;
    const bar = row.querySelector("progress");
    bar.value = this.about.size ? this.sent / this.about.size : 0;
    bar.hidden = !BUSY.includes(state);
    row.querySelector(".hold").hidden = !["waiting", "sending"].includes(state);
    row.querySelector(".again").hidden = !this.mayTryAgain;
    row.querySelector(".cancel").hidden = ![...BUSY, "failed", "missing"].includes(state);
  }

  get mayTryAgain() {
    return ["held", "missing"].includes(this.state) || (this.state === "failed" && this.upload && !this.asset);
  }

  async run() {
    this.state = "sending";
    this.show("Starting…");
    try {
      const { asset, duplicate, restored } = await this.upload.run();
      forget(this.about);
      this.asset = asset;
      this.#link();
      this.state = duplicate || restored ? "ready" : "stored";
      this.show(duplicate ? "Already in your vault" : restored ? "Back from the trash" : "Checking…");
    } catch (error) {
      if (error instanceof Held) {
        this.state = "held";
        this.show("Paused");
      } else this.refuse(error.message || "The connection was lost");
    }
    this.panel.changed(this);
  }

  hold() {
    if (this.state === "sending") return this.upload.hold();
    this.state = "held";
    this.show("Paused");
  }

  wait() {
    this.state = "waiting";
    this.show("Waiting…");
  }

  async cancel() {
    this.row.remove();
    forget(this.about);
    await (this.upload ? this.upload.cancel() : deleteUpload(this.about.url));
  }

  /** @param {object | undefined} envelope of the asset's or its analysis's event */
  hear(envelope) {
    const rejected = envelope?.type === "asset.rejected" && ["failed", envelope.data.reason];
    const said = rejected || SAID[envelope?.type];
    if (!said || this.state === "ready" || this.state === "failed") return;
    [this.state] = said;
    this.show(said[1]);
  }

  #arrived(sent) {
    const now = performance.now();
    // What one file gets of the line, over its last seconds.
    this.since ??= [now, sent];
    if (now - this.since[0] > 1000) {
      this.rate = Math.max(0, (sent - this.since[1]) / ((now - this.since[0]) / 1000));
      this.since = [now, sent];
    }
    this.sent = sent;
    const left = this.rate ? `, ${clock((this.about.size - sent) / this.rate)} left` : "";
    this.show(`${size(sent)} of ${size(this.about.size)}${left}`);
    this.panel.changed(this);
  }

  #lost(said = "Waiting for the network…") {
    this.show(said);
  }

  #link() {
    const link = document.createElement("a");
    link.href = `/assets/${this.asset}`;
    link.textContent = this.about.name;
    this.row.querySelector(".name").replaceChildren(link);
    globalThis.htmx?.process(this.row);
  }
}
