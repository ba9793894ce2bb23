// Islands of the shared parts (web/templates/parts): each is fetched by the pages that have it.

import { later } from "./later.js";

later("tab-set", () => import("./parts/tabs.js"));
later("menu-items", () => import("./parts/menu.js"));
