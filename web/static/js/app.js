// The signed-in client. Each island reads what the server wrote and only adds to it.
// What an area brings is in its own app.js, which the server puts behind this one.

import "./page.js";
import "./requests.js";
import "./navigation.js";
import "./live.js";
import "./home.js";
import "./recent.js";
import "./shortcuts.js";
import "./parts.js";
