// The dialog that signs in again, over the page and all that is typed on it.

import "./passkeys.js";

const FORM = `
<h2 id="again-title">You were signed out</h2>
<p class="muted">Sign in to go on. Your text is still here.</p>
<form>
  <p class="notice bad" role="alert" hidden></p>
  <div class="field"><label for="again-email">E-mail</label><input id="again-email" name="email" type="email" autocomplete="username" required></div>
  <div class="field"><label for="again-password">Password</label><input id="again-password" name="password" type="password" autocomplete="current-password" required></div>
  <div class="field" hidden><label for="again-code">Code from your app, or a recovery code</label><input id="again-code" name="code" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="40"></div>
  <div class="actions"><button class="button primary">Sign in</button><button class="button" type="button" data-close>Not now</button></div>
</form>
<passkey-sign-in hidden><button class="button" type="button">Sign in with a passkey</button><p class="hint bad" role="alert" hidden></p></passkey-sign-in>
<p class="other"><a target="_blank">Other ways to sign in</a> <span class="muted">(in a new tab; then come back here)</span></p>`;

const dialog = document.createElement("dialog");
dialog.id = "sign-in-again";
dialog.setAttribute("aria-labelledby", "again-title");
dialog.innerHTML = FORM;
document.body.append(dialog);
const form = dialog.querySelector("form");
const { email, password, code } = form.elements;
const alert = form.querySelector("[role=alert]");
let whoIs = null;
let found = null;

function tell(text) {
  alert.textContent = text;
  alert.hidden = !text;
}

/** Closes if somebody is signed in by now. */
async function look() {
  if (!dialog.open) return;
  found = await whoIs().catch(() => null);
  if (found) dialog.close();
}

async function send() {
  tell("");
  form.toggleAttribute("data-busy", true);
  const typed = { email: email.value, password: password.value };
  if (code.value) typed.code = code.value;
  try {
    const answer = await fetch("/api/sessions", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(typed),
    });
    const told = await answer.json();
    if (answer.ok) return await look();
    const field = code.closest(".field");
    if (told.code === "second-factor-needed" && field.hidden) {
      field.hidden = false;
      code.required = true;
      code.focus();
    } else {
      tell(told.detail);
      (code.required ? code : password).select();
    }
  } catch {
    tell("The server did not answer. Try again.");
  } finally {
    form.toggleAttribute("data-busy", false);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
dialog.addEventListener("noculture:passkey", (event) => {
  event.preventDefault();
  look();
});
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
// Signed in in another tab, by whatever way.
document.addEventListener("noculture:session-elsewhere", look);
document.addEventListener("visibilitychange", () => document.hidden || look());
addEventListener("focus", look);

/**
 * @param {string} address of the person whose page this is
 * @param {() => Promise<object | null>} ask who is signed in
 * @returns {Promise<object | null>} who signed in; null if nobody did
 */
export function signIn(address, ask) {
  whoIs = ask;
  found = null;
  form.reset();
  tell("");
  code.required = false;
  code.closest(".field").hidden = true;
  email.value = address;
  const here = encodeURIComponent(location.pathname + location.search);
  dialog.querySelector(".other a").href = `/sign-in?next=${here}`;
  dialog.showModal();
  (address ? password : email).focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        password.value = "";
        resolve(found);
      },
      { once: true },
    );
  });
}
