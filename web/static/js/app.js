// The signed-in client. Each island reads what the server wrote and only adds to it.

import "./page.js";
import "./requests.js";
import "./navigation.js";
import "./vault/player.js";
import "./vault/player-bar.js";
import "./vault/waves.js";
import "./vault/uploads.js";
import "./live.js";
import "./vault/vault.js";
import "./vault/selection.js";
import "./shortcuts.js";

// What only a track's page needs comes with the first of them.
const LATER = {
  "track-stage": () => import("./vault/stage.js"),
  "ab-compare": () => import("./vault/ab.js"),
};

function fetchLater() {
  for (const [name, fetch] of Object.entries(LATER)) {
    if (document.querySelector(name)) fetch();
  }
}
fetchLater();
document.addEventListener("htmx:after:swap", fetchLater);
