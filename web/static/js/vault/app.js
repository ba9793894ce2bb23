// What the vault brings to the signed-in client: what plays and what is uploaded stay on every page.

import { later } from "../later.js";
import { watch } from "../live.js";
import { addToPalette } from "../shortcuts.js";
import "./player.js";
import "./player-bar.js";
import "./waves.js";
import "./uploads.js";
import "./vault.js";
import "./selection.js";
import "./keys.js";
import "./answers.js";
import "./trash.js";

watch(
  "asset.uploaded",
  "asset.verified",
  "asset.rejected",
  "asset.tags_edited",
  "asset.file_rewritten",
  "asset.shared",
  "asset.unshared",
  "asset.trashed",
  "asset.restored",
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
);
addToPalette(() => import("./palette.js"));
later("track-stage", () => import("./stage.js"));
later("ab-compare", () => import("./ab.js"));
