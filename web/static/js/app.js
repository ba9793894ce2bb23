// The signed-in client. Each island reads what the server wrote and only adds to it.

import "./page.js";
import "./navigation.js";
import "./player.js";
import "./player-bar.js";
import "./waves.js";
import "./uploads.js";
import "./live.js";
import "./vault.js";
import "./shortcuts.js";
