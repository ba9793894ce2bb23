// <track-list> and <track-page> follow the log: what changed is fetched again as HTML and morphed in.

import { ask } from "../asking.js";
import { fetchInto, Following } from "../following.js";

const PENDING = "[data-state=uploaded], [data-state=verified]";

customElements.define(
  "track-list",
  class extends Following {
    hear({ position }) {
      this.follower.ask(position);
    }

    /** Between the page and the stream something may have happened. */
    connected({ late }) {
      if (late || this.querySelector(PENDING)) this.follower.ask(0);
    }

    async refresh(position) {
      const form = document.querySelector("form.search");
      if (!form) {
        // The first track of an empty vault brings the search with it.
        return fetchInto("/vault", position, { target: "#main", select: "#main", swap: "outerHTML" });
      }
      const asked = new URLSearchParams(new FormData(form));
      asked.set("shown", String(this.querySelectorAll("tr[data-asset]").length));
      return fetchInto(`/vault?${asked}`, position, { target: "#tracks", swap: "innerMorph" });
    }
  },
);

/** What others share: any event may be of one of their tracks. */
customElements.define(
  "shared-list",
  class extends Following {
    hear({ position }) {
      this.follower.ask(position);
    }

    connected({ late }) {
      if (late) this.follower.ask(0);
    }

    resumed() {
      this.follower.ask(0);
    }

    refresh(position) {
      return fetchInto("/shared", position, { target: "#shared", select: "#shared", swap: "outerMorph" });
    }
  },
);

customElements.define(
  "track-page",
  class extends Following {
    /** Whoever it was shared with, on their page of it, has it no more. */
    #isTaken({ data, type }) {
      const { holder } = this.dataset;
      const gone = type === "asset.deleted" || type === "asset.trashed";
      return holder && (gone || (type === "asset.unshared" && data.account_id === holder));
    }

    hear({ data, position, type }) {
      if (data.asset_id !== this.dataset.asset) return;
      if (this.#isTaken({ data, type })) return this.#leave(position);
      if (type === "asset.deleted") return;
      this.follower.ask(position);
    }

    connected({ late }) {
      if (late || this.querySelector(".wave-pending")) this.follower.ask(0);
    }

    async resumed() {
      if (!this.dataset.holder) return;
      const asked = ask(`/api/assets/${this.dataset.asset}`, { cache: "no-store" }, { quiet: true });
      const answer = await asked.catch(() => null);
      if (answer?.status === 404 && this.isConnected) await this.#leave(0);
    }

    #leave(position) {
      return fetchInto("/shared", position, { target: "#main", select: "#main", swap: "outerHTML", push: "/shared" });
    }

    /** The whole page is morphed, but a form that somebody fills in or that answers stays as it is. */
    refresh(position) {
      const form = this.querySelector("form.form-grid");
      const answering = form?.querySelector(".notice");
      const fields = [...(form?.elements ?? [])].filter((field) => field.name);
      const touched = fields.some((field) =>
        field.options
          ? [...field.options].some((option) => option.selected !== option.defaultSelected && option.value)
          : field.value !== field.defaultValue,
      );
      const busy = touched || answering || form?.contains(document.activeElement);
      document.getElementById("tags")?.toggleAttribute("hx-morph-skip", Boolean(busy));
      const how = { target: "#track", select: "#track", swap: "outerMorph" };
      return fetchInto(`/assets/${this.dataset.asset}`, position, how);
    }
  },
);
