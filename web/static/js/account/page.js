// What the account brings to every page, signed in or not.

import { later } from "../later.js";

later("passkey-sign-in, passkey-add, passkey-prove", () => import("./passkeys.js"));
later("follow-erasure", () => import("./erasure.js"));
