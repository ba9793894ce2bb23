// <song-versions>: which of them is current, which is none, and which track is one more.

import { ask } from "../asking.js";
import { announce } from "../text.js";
import { toast } from "../toasts.js";
import { compare } from "./compare.js";
import { trackOf } from "./player.js";

const MOST = 8;
const PAUSE_MS = 200;
const REFUSED = {
  401: "you are signed out. Sign in again.",
  409: "one of the tracks was changed or deleted meanwhile. Look again, then repeat it.",
  429: "that was too much at once. Wait a moment.",
};
// What is looked for shows at least what was changed here.
let changedAt = 0;

/** @throws {Error} with the end of a sentence */
async function send(path, body) {
  const answer = await ask(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(REFUSED[answer.status] ?? "something broke on our side. Try again.");
  changedAt = Math.max(changedAt, Number(answer.headers.get("Event-Position")));
  return answer.json();
}

const titleOf = (asset) => asset.tags?.title || asset.filename;

customElements.define(
  "song-versions",
  class extends HTMLElement {
    connectedCallback() {
      this.onclick = ({ target }) => {
        const button = target.closest("[data-do]");
        if (button) this[button.dataset.do](button.closest("li")?.dataset);
      };
    }

    /** This page shows it, whichever track's event it was. */
    async #change(path, body, told) {
      try {
        const { undo } = await send(path, body);
        this.#follow();
        toast(told, { undo: undo && (() => this.#takeBack(path, undo)) });
      } catch (error) {
        toast(`That did not work: ${error.message}`);
        this.#follow();
      }
    }

    async #takeBack(path, undo) {
      try {
        await send(path, undo);
        this.#follow();
        announce("Undone");
      } catch (error) {
        toast(`That cannot be undone: ${error.message}`);
      }
    }

    /** Also after the page was left for another one of the same kind. */
    #follow() {
      document.querySelector("track-page")?.follower.ask(changedAt);
    }

    current({ of, at, named }) {
      const before = this.querySelector("[data-current]").dataset;
      const body = {
        asset: { id: of, version: Number(at) },
        instead_of: { id: before.of, version: Number(before.at) },
      };
      return this.#change("/api/songs/current", body, `“${named}” is the current version now.`);
    }

    part({ of, at, named }) {
      const assets = [{ id: of, version: Number(at), song: of }];
      return this.#change("/api/songs", { assets }, `“${named}” is a song of its own now.`);
    }

    async compare({ of, named, duration, lufs }) {
      // The switch in the track's head.
      await import("./ab.js");
      const page = this.closest("[data-asset][data-title]");
      const mine = this.dataset.lufs;
      const length = Number(document.querySelector("track-stage")?.dataset.duration) || 0;
      compare.start(
        { ...trackOf(page), duration: length },
        { id: of, title: named, artist: page.dataset.artist, duration: Number(duration) || 0 },
        { A: mine ? Number(mine) : null, B: lufs ? Number(lufs) : null },
      );
      compare.flip();
      announce(`Hearing “${named}”: switch with B`);
    }

    add() {
      picker.open(this.dataset, (other) => {
        const { asset, version, song } = this.dataset;
        const both = [{ id: asset, version: Number(version) }, { id: other.id, version: other.version }];
        const assets = both.map((each) => ({ ...each, song }));
        return this.#change("/api/songs", { assets }, `“${titleOf(other)}” is a version of this song now.`);
      });
    }
  },
);

/** The dialog that finds one more version: what is alike first, then what is looked for. */
class Picker {
  #asked = 0;
  #timer = 0;

  /** @param {{asset: string, song: string}} of @param {(other: object) => Promise<void>} chosen */
  open(of, chosen) {
    [this.of, this.chosen] = [of, chosen];
    this.dialog ??= this.#made();
    document.body.append(this.dialog);
    this.input.value = "";
    this.dialog.showModal();
    this.input.focus();
    this.#find();
  }

  #made() {
    const dialog = document.createElement("dialog");
    dialog.id = "add-version";
    dialog.setAttribute("aria-labelledby", "add-version-title");
    dialog.innerHTML = `<h2 id="add-version-title">Add a version</h2>
      <div class="field"><label for="add-version-words">Find one of your tracks</label>
      <input id="add-version-words" type="search" autocomplete="off"></div>
      <ul></ul><p class="muted" role="status"></p>
      <form method="dialog" class="actions"><button class="button">Close</button></form>`;
    this.input = dialog.querySelector("input");
    this.list = dialog.querySelector("ul");
    this.words = dialog.querySelector("[role=status]");
    this.input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#find(), PAUSE_MS);
    });
    return dialog;
  }

  async #find() {
    const asked = ++this.#asked;
    const q = this.input.value.trim();
    const query = new URLSearchParams({ limit: String(MOST), ...(q && { q }) });
    const path = q ? `/api/assets?${query}` : `/api/assets/${this.of.asset}/related`;
    this.words.textContent = "One moment";
    const headers = { "Min-Position": String(changedAt), Prefer: "wait=5" };
    const answer = await ask(path, { headers }, { quiet: true }).catch(() => null);
    if (asked !== this.#asked) return;
    const found = answer?.ok ? (await answer.json()).data : [];
    const here = new Set([...document.querySelectorAll("song-versions [data-of]")].map((each) => each.dataset.of));
    const others = found.filter(({ id, state }) => id !== this.of.asset && !here.has(id) && state !== "rejected");
    this.list.replaceChildren(...others.map((each) => this.#option(each)));
    const none = q ? "No other track fits. Try a part of the title." : "Type a part of the title.";
    this.words.textContent = answer?.ok ? (others.length ? "" : none) : "The server did not answer. Try again.";
  }

  #option(asset) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { className: "button", type: "button" });
    for (const text of [titleOf(asset), asset.reason ?? asset.tags?.artist ?? ""]) {
      button.append(Object.assign(document.createElement("span"), { textContent: text }));
    }
    button.lastChild.className = "muted";
    button.addEventListener("click", () => {
      this.dialog.close();
      this.chosen(asset);
    });
    item.append(button);
    return item;
  }
}

const picker = new Picker();
