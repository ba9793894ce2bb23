// One stream of events per tab. It closes while the tab is hidden: HTTP/1.1 allows six connections.

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
const HIDDEN_GRACE_MS = 20_000;

/** What each asset's last event was: an upload may end after its events have begun to arrive. */
export const lastOf = new Map();
const REMEMBERED = 2_000;

customElements.define(
  "live-feed",
  class extends HTMLElement {
    #source = null;
    #position = null;
    #closing = 0;

    connectedCallback() {
      this.#open();
      document.addEventListener("visibilitychange", () => {
        clearTimeout(this.#closing);
        if (!document.hidden) this.#open();
        else this.#closing = setTimeout(() => this.#close(), HIDDEN_GRACE_MS);
      });
      // Leaving frees the connection at once; a page that comes back from the cache reopens it.
      addEventListener("pagehide", () => this.#close());
      addEventListener("pageshow", () => this.#open());
    }

    #open() {
      if (this.#source) return;
      const after = this.#position === null ? "" : `?after=${this.#position}`;
      this.#source = new EventSource(this.dataset.stream + after);
      this.#source.addEventListener("open", () => this.#tell("noculture:connected", {}));
      for (const type of WATCHED) this.#source.addEventListener(type, (event) => this.#take(event));
    }

    #close() {
      this.#source?.close();
      this.#source = null;
    }

    #take(event) {
      this.#position = event.lastEventId;
      const envelope = JSON.parse(event.data);
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
