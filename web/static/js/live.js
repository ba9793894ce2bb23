// What happens in the log, told to the page: one stream for all tabs, none while they are hidden.

import { wasAway } from "./asking.js";
import { account } from "./session.js";
import { SharedStream } from "./stream.js";

const WATCHED = [
  "asset.uploaded",
  "asset.verified",
  "asset.rejected",
  "asset.tags_edited",
  "asset.file_rewritten",
  "asset.deleted",
  "analysis.requested",
  "analysis.completed",
  "analysis.failed",
  "comment.added",
  "comment.edited",
  "comment.resolved",
  "comment.reopened",
  "comment.deleted",
  "reanalysis.requested",
  "reanalysis.batch_started",
  "reanalysis.completed",
  "reanalysis.cancelled",
];
const LATE_MS = 5_000;
const AGAIN_MS = 5_000;

/** What each asset's last event was: an upload may end after its events have begun to arrive. */
export const lastOf = new Map();
const REMEMBERED = 2_000;

customElements.define(
  "live-feed",
  class extends HTMLElement {
    #stream = null;
    #out = false;

    connectedCallback() {
      this.#stream = new SharedStream(this.dataset.stream, account, WATCHED, {
        event: (text) => this.#take(JSON.parse(text)),
        begins: () => this.#connected(),
        refused: () => this.#refused(),
      });
      this.#stream.listen();
      this.#follow();
      for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, () => this.#follow());
      document.addEventListener("freeze", () => this.#stream.stop());
      document.addEventListener("noculture:signed-out", () => this.#signedIn(false));
      document.addEventListener("noculture:signed-in", () => this.#signedIn(true));
      // Leaving frees the connection at once; a page that comes back from the cache reopens it.
      addEventListener("pagehide", () => this.#stream.leave());
      addEventListener("pageshow", ({ persisted }) => {
        if (!persisted) return;
        this.#stream.listen();
        this.#follow();
      });
    }

    #follow() {
      if (document.hidden || this.#out) this.#stream.stop();
      else this.#stream.start();
    }

    #signedIn(yes) {
      this.#out = !yes;
      this.#follow();
    }

    /** Not for the network, which it waits for itself: the session is over, or there are too many. */
    async #refused() {
      this.#out = true;
      const waited = await wasAway();
      if (!waited) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      this.#signedIn(true);
    }

    /** What was opened in the background is seen late: much may have happened since it was made. */
    #connected() {
      this.#tell("noculture:connected", { late: performance.now() > LATE_MS });
    }

    #take(envelope) {
      const asset = envelope.data.asset_id;
      if (asset) lastOf.set(asset, envelope);
      if (lastOf.size > REMEMBERED) lastOf.delete(lastOf.keys().next().value);
      this.#tell("noculture:event", { type: envelope.type, asset, position: envelope.position, envelope });
    }

    #tell(name, detail) {
      document.dispatchEvent(new CustomEvent(name, { detail }));
    }
  },
);
