// What the vault brings to the signed-in client: what plays and what is uploaded stay on every page.

import { later } from "../later.js";
import { watch } from "../live.js";
import { tell } from "../navigation.js";
import { addToPalette } from "../shortcuts.js";
import { uploads } from "./dropping.js";
import { player, trackOf } from "./player.js";
import "./play-buttons.js";
import "./player-bar.js";
import "./waves.js";
import "./vault.js";
import "./selection.js";
import "./keys.js";
import "./answers.js";
import "./trash.js";
import "./player-memory.js";
import "./folded.js";

watch(
  "asset.uploaded",
  "asset.verified",
  "asset.rejected",
  "asset.tags_edited",
  "asset.marked",
  "asset.artwork_set",
  "asset.artwork_removed",
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
later("form.search", () => import("./filters.js"));
later("track-stage", () => import("./stage.js"));
later("form.marks", () => import("./marks.js"));
later("track-tabs", () => import("./track-tabs.js"));
later("collection-page, collection-list", () => import("./collection.js"));
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-collect]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  import("./collect.js").then(({ collect }) => collect([trackOf(link.closest("[data-asset][data-title]"))]));
});

// What a page needs only once somebody plays, writes, compares or deletes is fetched then: over slow
// 4G each of these would hold up the waveform.
const commentBox = () => import("./say.js");
const ifPlaying = () => player.track && document.querySelector("comment-box") && commentBox();
later("comment-box", ifPlaying);
player.addEventListener("track", ifPlaying);
document.addEventListener("focusin", ({ target }) => target.closest("comment-box") && commentBox());
const failed = () => tell("That did not work. Try again.");
/** An event that comes before its element's script happens again once the script is here. */
function once(event, element, fetch, again) {
  document.addEventListener(event, ({ target }) => {
    const pressed = target.closest(element);
    const name = pressed?.closest("song-versions, track-artwork").localName;
    if (pressed && !customElements.get(name)) fetch().then(() => again(pressed), failed);
  });
}
const artwork = () => import("./artwork.js");
once("click", "song-versions [data-do]", () => import("./versions.js"), (button) => button.click());
once("click", "track-artwork [data-remove]", artwork, (button) => button.click());
once("change", "track-artwork input", artwork, (input) => input.dispatchEvent(new Event("change", { bubbles: true })));
document.addEventListener("dragenter", () => document.querySelector("track-artwork") && artwork());
// The panel of uploads: at once where files can be chosen; elsewhere what a reload broke off goes on
// once the page is there.
const UPLOADS_AFTER_MS = 3_000;
later("file-drop", uploads);
addEventListener("load", () => setTimeout(uploads, UPLOADS_AFTER_MS));
document.addEventListener("beforetoggle", ({ target }) => target.closest("ab-compare") && import("./ab.js"), true);
const deleting = () => import("./deleting.js");
document.addEventListener(
  "submit",
  (event) => {
    const { submitter } = event;
    if (!submitter?.dataset.deletes) return;
    event.preventDefault();
    // htmx listens on the form itself.
    event.stopPropagation();
    deleting().then(({ deleteLater }) => deleteLater(submitter), failed);
  },
  true,
);
if (sessionStorage.getItem("noculture_deleted")) deleting();
