// What the system pages bring to the signed-in client.

import { later } from "../later.js";

later("part-samples", () => import("./samples.js"));
