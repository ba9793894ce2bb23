// <upload-panel> sends files, three at a time, and shows how far each is; it outlives pages and reloads.

import { announce, clock, size } from "../text.js";
import { choose, takeDropped } from "./upload-files.js";
import { BUSY, Item } from "./upload-item.js";
import { aboutOf, looksLike, remember, remembered } from "./upload-memory.js";

export { takeDropped };

const AT_ONCE = 3;
const RATE_WINDOW_MS = 6_000;
/** @type {Map<string, object>} each asset's last event: an upload may end after its events have begun to arrive */
const lastOf = new Map();
const REMEMBERED = 2_000;

document.addEventListener("noculture:event", ({ detail: envelope }) => {
  const asset = envelope.data.asset_id;
  if (asset) lastOf.set(asset, envelope);
  if (lastOf.size > REMEMBERED) lastOf.delete(lastOf.keys().next().value);
});

customElements.define(
  "upload-panel",
  class extends HTMLElement {
    /** @type {Item[]} */
    items = [];
    /** What was not taken: {name, why, unread}. */
    refused = [];
    #samples = [];
    #paused = false;

    connectedCallback() {
      this.list = this.querySelector("ol");
      const pressed = (button, then) => this.querySelector(button).addEventListener("click", then);
      pressed(".close", () => this.#close());
      pressed(".fold", (event) => {
        const folded = this.toggleAttribute("data-folded");
        event.currentTarget.setAttribute("aria-expanded", String(!folded));
      });
      pressed(".pause-all", () => this.#pauseAll());
      pressed(".again-all", () => this.#againAll());
      pressed(".cancel-all", () => this.#cancelAll());
      document.addEventListener("noculture:event", ({ detail: envelope }) => {
        this.items.find((item) => item.asset === envelope.data.asset_id)?.hear(envelope);
        this.#head();
      });
      addEventListener("beforeunload", (event) => {
        if (this.#in("sending").length) event.preventDefault();
      });
      this.#restore();
    }

    #in(...states) {
      return this.items.filter((item) => states.includes(item.state));
    }

    async #restore() {
      for (const about of await remembered(this.dataset.owner)) {
        if (!this.items.some((item) => item.about.id === about.id)) await this.#append(about).find();
      }
      if (this.items.length) this.#next();
    }

    /** Rows whose file was on its way before a reload, and looks like this one. */
    #alike(about) {
      const missing = this.#in("missing").filter((item) => item.about.path === about.path);
      return missing.filter((item) => looksLike(item.about, about));
    }

    /** @param {Found[]} found @param {object[]} refused @param {Item | null} asked whose file is wanted */
    add(found, refused = [], asked = null) {
      this.#refuse(refused);
      let begun = 0;
      for (const { file, path, handle } of found) {
        const why = this.#whySkipped(file.name);
        if (why) {
          this.#refuse([{ name: path || file.name, why, unread: false }]);
          continue;
        }
        const about = aboutOf(this.dataset.owner, file, path || null, handle);
        // One that was on its way before a reload goes on in its own row.
        const meant = asked?.state === "missing" && looksLike(asked.about, about) ? asked : null;
        const item = meant ?? this.#alike(about)[0] ?? this.#append(about);
        if (file.size) item.begin(file, handle);
        else item.refuse("The file is empty: choose another");
        begun += file.size > 0;
      }
      announce(`${begun} files are being uploaded`);
      this.#next();
    }

    /** What is no recording in any case; of everything else the server says what it is. */
    #whySkipped(name) {
      const ending = name.toLowerCase().split(".").slice(1).pop();
      if (ending && this.dataset.notAudio.split(" ").includes(ending)) return "Not audio";
      return name.startsWith(".") ? "Hidden file" : null;
    }

    #refuse(refused) {
      const list = this.querySelector(".refused ul");
      for (const { name, why } of refused) {
        const line = document.createElement("li");
        line.append(Object.assign(document.createElement("b"), { textContent: name }), ` ${why}`);
        list.append(line);
      }
      this.refused.push(...refused);
      // A file that could not be read was meant to come, so its name must be seen.
      if (refused.some(({ unread }) => unread)) this.querySelector(".refused").open = true;
    }

    /** An upload whose bytes are another file's waits for that file, as after a reload. */
    #leave(about) {
      remember(about);
      this.#append(about).find();
    }

    #append(about) {
      const row = this.querySelector("template").content.firstElementChild.cloneNode(true);
      const item = new Item(about, row, {
        endpoint: this.dataset.endpoint,
        changed: () => this.#changed(item),
        alike: (of) => this.#alike(of),
        leave: (of) => this.#leave(of),
      });
      row.querySelector(".hold").addEventListener("click", () => {
        item.hold();
        this.#head();
      });
      row.querySelector(".again").addEventListener("click", () => this.#again(item));
      row.querySelector(".cancel").addEventListener("click", () => this.#cancel(item));
      this.items.push(item);
      this.list.append(row);
      return item;
    }

    #next() {
      const free = AT_ONCE - this.#in("sending").length;
      const waiting = this.#paused ? [] : this.#in("waiting");
      for (const item of waiting.slice(0, Math.max(0, free))) item.run().then(() => this.#next());
      this.hidden = !this.items.length && !this.refused.length;
      this.#head();
    }

    async #again(item) {
      if (item.state === "missing") {
        await item.find(true);
        if (item.state === "missing") return choose(false, "", item);
      } else {
        item.wait();
      }
      this.#next();
    }

    #againAll() {
      const sought = this.#in("missing").filter((item) => !item.about.handle);
      // Only choosing the folder again tells where each of its files lies.
      if (sought.length) choose(sought.every((item) => item.about.path));
      for (const item of this.items.filter((each) => each.mayTryAgain)) {
        if (item.state !== "missing") item.wait();
        else if (item.about.handle) this.#again(item);
      }
      this.#next();
    }

    #cancel(item) {
      item.cancel();
      this.items = this.items.filter((other) => other !== item);
      this.#next();
    }

    #cancelAll() {
      for (const item of this.#in(...BUSY, "missing")) this.#cancel(item);
    }

    #pauseAll() {
      this.#paused = !this.#paused;
      if (this.#paused) for (const item of this.#in("sending")) item.hold();
      else for (const item of this.#in("held")) item.wait();
      this.#next();
    }

    #close() {
      if (this.#in(...BUSY, "missing").length) return this.querySelector(".fold").click();
      this.items = [];
      this.refused = [];
      this.list.replaceChildren();
      this.querySelector(".refused ul").replaceChildren();
      this.hidden = true;
    }

    #changed(item) {
      // The log may have told of the asset before the answer that names it.
      if (item.state === "stored") item.hear(lastOf.get(item.asset));
      const now = performance.now();
      const sent = this.items.reduce((sum, each) => sum + each.sent, 0);
      this.#samples.push([now, sent]);
      this.#samples = this.#samples.filter(([at]) => now - at < RATE_WINDOW_MS);
      this.#head();
    }

    #head() {
      const [count, busy] = [this.items.length, this.#in(...BUSY).length];
      const [failed, measuring] = [this.#in("failed").length, this.#in("stored").length];
      const missing = this.#in("missing").length;
      const done = busy
        ? `${this.#paused ? "Paused" : "Uploading"}, ${count - busy - missing} of ${count} done`
        : measuring
          ? `Analysing ${measuring} of ${count}`
          : `${count - failed} of ${count} in your vault`;
      this.querySelector(".title").textContent =
        missing && !busy ? `${missing} not finished: choose the files again to continue` : done;
      const notes = [busy ? this.#rate() : "", failed ? `${failed} failed` : ""];
      if (missing && busy) notes.push(`${missing} to choose again`);
      this.querySelector(".rate").textContent = notes.filter(Boolean).join(", ");
      this.#tellRefused();
      const pause = this.querySelector(".pause-all");
      pause.hidden = !busy && !this.#paused;
      pause.textContent = this.#paused ? "Resume" : "Pause";
      const again = this.querySelector(".again-all");
      again.hidden = !missing && this.#in("failed").filter((item) => item.mayTryAgain).length < 2;
      again.textContent = missing ? "Choose again" : "Try again";
      this.querySelector(".cancel-all").hidden = busy + missing < 2;
    }

    #tellRefused() {
      const skipped = this.refused.filter(({ unread }) => !unread);
      const unread = this.refused.length - skipped.length;
      const reason = skipped.every(({ why }) => why === "Not audio") ? ": not audio" : "";
      const notes = [skipped.length && `${skipped.length} skipped${reason}`, unread && `${unread} cannot be read`];
      this.querySelector(".refused").hidden = !this.refused.length;
      this.querySelector(".refused summary").textContent = notes.filter(Boolean).join(", ");
    }

    /** Mean of the last seconds, and how long the rest takes at that speed. */
    #rate() {
      const [first, last] = [this.#samples[0], this.#samples.at(-1)];
      const elapsed_s = first && last ? (last[0] - first[0]) / 1000 : 0;
      if (elapsed_s < 0.5) return "";
      const rate = (last[1] - first[1]) / elapsed_s;
      const left = this.#in(...BUSY).reduce((sum, item) => sum + item.about.size - item.sent, 0);
      return rate > 0 ? `${size(rate)}/s, ${clock(left / rate)} left` : "Waiting for the network…";
    }
  },
);
