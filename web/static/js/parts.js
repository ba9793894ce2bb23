// Islands of the shared parts (web/templates/parts): each is fetched by the pages that have it.

import { later } from "./later.js";

later("tab-set", () => import("./parts/tabs.js"));
later("menu-items", () => import("./parts/menu.js"));
later("data-table", () => import("./parts/table.js"));
later("range-field", () => import("./parts/range.js"));
