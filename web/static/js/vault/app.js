// What the vault brings to the signed-in client: what plays and what is uploaded stay on every page.

import { later } from "../later.js";
import { watch } from "../live.js";
import { addToPalette } from "../shortcuts.js";
import { trackOf } from "./player.js";
import "./player-bar.js";
import "./waves.js";
import "./uploads.js";
import "./vault.js";
import "./selection.js";
import "./keys.js";
import "./answers.js";
import "./trash.js";
import "./folded.js";

watch(
  "asset.uploaded",
  "asset.verified",
  "asset.rejected",
  "asset.tags_edited",
  "asset.file_rewritten",
  "asset.shared",
  "asset.unshared",
  "asset.trashed",
  "asset.song_chosen",
  "asset.current_chosen",
  "asset.restored",
  "asset.deleted",
  "analysis.requested",
  "analysis.completed",
  "analysis.failed",
  "collection.created",
  "collection.changed",
  "collection.deleted",
  "comment.added",
  "comment.edited",
  "comment.resolved",
  "comment.reopened",
  "comment.deleted",
  "reanalysis.requested",
  "reanalysis.batch_started",
  "reanalysis.completed",
  "reanalysis.cancelled",
);
addToPalette(() => import("./palette.js"));
later("track-stage", () => import("./stage.js"));
later("song-versions", () => import("./versions.js"));
later("ab-compare", () => import("./ab.js"));
later("collection-page, collection-list", () => import("./collection.js"));
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-collect]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  import("./collect.js").then(({ collect }) => collect([trackOf(link.closest("[data-asset][data-title]"))]));
});
