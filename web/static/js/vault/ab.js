// <ab-compare>: chooses what is compared with this track, and says by how much it is turned down.

import { ask } from "../asking.js";
import { compare } from "./compare.js";
import { trackOf } from "./player.js";
import { announce } from "../text.js";

const MOST = 50;

/** @param {string} address @returns {Promise<object[]>} nothing where there is nothing to be had */
async function listed(address) {
  const answer = await ask(address, {}, { quiet: true }).catch(() => null);
  return answer?.ok ? ((await answer.json()).data ?? []) : [];
}

customElements.define(
  "ab-compare",
  class extends HTMLElement {
    #changed = () => this.#show();
    #others = new Map();

    connectedCallback() {
      this.select = this.querySelector("select");
      this.flip = this.querySelector(".flip");
      this.select.addEventListener("pointerdown", () => this.#fill(), { once: true });
      this.select.addEventListener("focus", () => this.#fill(), { once: true });
      this.select.addEventListener("change", () => this.#choose());
      this.flip.addEventListener("click", () => compare.flip());
      compare.addEventListener("change", this.#changed);
      this.#show();
    }

    disconnectedCallback() {
      compare.removeEventListener("change", this.#changed);
    }

    /** Asked for once somebody wants to choose: versions first, then what sounds alike, then all. */
    async #fill() {
      if (this.filled) return;
      this.filled = true;
      const { asset } = this.dataset;
      const [related, similar, all] = await Promise.all([
        listed(`/api/assets/${asset}/related`),
        listed(`/api/assets/${asset}/similar?limit=10`),
        listed(`/api/assets?limit=${MOST}`),
      ]);
      this.#group("Versions", related.map((each) => each.asset ?? each));
      this.#group("Sounds alike", similar.map((each) => each.asset ?? each));
      this.#group("Your vault", all);
    }

    #group(label, assets) {
      const group = document.createElement("optgroup");
      group.label = label;
      for (const asset of assets) {
        if (asset.id === this.dataset.asset || !asset.audio || this.#others.has(asset.id)) continue;
        this.#others.set(asset.id, asset);
        group.append(new Option(asset.tags?.title || asset.filename, asset.id));
      }
      if (group.children.length) this.select.append(group);
    }

    #choose() {
      const other = this.#others.get(this.select.value);
      if (!other) return compare.stop();
      const page = this.closest("[data-asset][data-title]");
      const { lufs } = this.dataset;
      compare.start(
        { ...trackOf(page), duration: Number(document.querySelector("track-stage")?.dataset.duration) || 0 },
        { id: other.id, title: other.tags?.title || other.filename, artist: other.tags?.artist ?? "", duration: other.audio.duration_s },
        { A: lufs ? Number(lufs) : null, B: other.analysis?.loudness_lufs ?? null },
      );
    }

    #show() {
      const on = compare.ready;
      this.flip.hidden = !on;
      this.flip.setAttribute("aria-pressed", String(on && compare.heard === "B"));
      if (on) this.flip.textContent = `Hearing ${compare.heard}: switch`;
      const { A, B } = compare.turned;
      const [louder, by] = A < B ? ["This track", A] : ["The other one", B];
      const told = by < -0.05 ? `${louder} is turned down by ${Math.abs(by).toFixed(1)} dB to match.` : "Both are equally loud.";
      this.querySelector(".matched").textContent = on ? told : "";
      if (on) announce(`Hearing ${compare.heard}`);
    }
  },
);
