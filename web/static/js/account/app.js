// What the account brings to the signed-in client.

import { confirmWith } from "../asking.js";
import { signInWith } from "../session.js";
import { addToPalette } from "../shortcuts.js";

confirmWith(async () => (await import("./confirm.js")).confirmOwner());
signInWith(async (email, whoIs) => (await import("./sign-in.js")).signIn(email, whoIs));
addToPalette(async () => ({
  pages: [{ label: "Two-step verification, passkeys, sessions", path: "/account/security" }],
}));
