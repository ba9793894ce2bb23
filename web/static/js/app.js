// The signed-in client. Each island reads what the server wrote and only adds to it.

import "./page.js";
import "./requests.js";
import "./navigation.js";
import "./player.js";
import "./player-bar.js";
import "./waves.js";
import "./uploads.js";
import "./live.js";
import "./vault.js";
import "./selection.js";
import "./shortcuts.js";

// What only a track's page needs comes with the first of them.
const LATER = { "track-stage": "./stage.js", "ab-compare": "./ab.js" };

function fetchLater() {
  for (const [name, module] of Object.entries(LATER)) {
    if (document.querySelector(name)) import(module);
  }
}
fetchLater();
document.addEventListener("htmx:after:swap", fetchLater);
