// Whose page this is, and what happens when the browser is not signed in as them any more.

import { offerSignIn, withdraw } from "./banner.js";

export const account = document.querySelector("live-feed")?.dataset.account;
let email = "";
/** @type {string | null} what a form of this page must hold; null while it holds what it came with */
let token = null;
/** @type {Promise<boolean> | null} */
let signing = null;
/** Nobody is signed in here any more, as far as this page knows. */
let out = false;
let stale = false;

// Every tab of this browser hears who is signed in by now: {account}, or {left: account}.
const tabs = "BroadcastChannel" in globalThis ? new BroadcastChannel("noculture:session") : null;

/** @typedef {{account_id: string, email: string | null, form_token: string}} Session */
/** @typedef {(email: string, whoIs: () => Promise<Session | null>) => Promise<Session | null>} SignIn */

/** @type {SignIn} null if the person did not */
let signIn = async () => null;

/** Says how somebody signs in over the page. @param {SignIn} how */
export function signInWith(how) {
  signIn = how;
}

/** @returns {Promise<Session | null>} null if nobody is signed in. Rejects if nothing answers. */
export async function whoIs() {
  const answer = await fetch("/session", { headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.ok) return answer.json();
  if (answer.status === 401) return null;
  throw new Error(`The server answered ${answer.status}`);
}

/** Goes on as the same person; for another one the page is loaded anew. @param {Session} found */
export async function goOn(found) {
  if (found.account_id !== account) {
    location.reload();
    return new Promise(() => {});
  }
  token = found.form_token;
  email = found.email ?? email;
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
  return true;
}

/** Asks to sign in again, over the page. @returns {Promise<boolean>} false if the person did not */
export function signInAgain() {
  signing ??= askToSignIn().finally(() => (signing = null));
  return signing;
}

async function askToSignIn() {
  // Another tab may have done it.
  let found = await whoIs().catch(() => null);
  found ??= await signIn(email, whoIs);
  if (!found) {
    out = true;
    offerSignIn(() => signInAgain());
    return false;
  }
  tabs?.postMessage({ account: found.account_id });
  return back(found);
}

async function back(found) {
  await goOn(found);
  out = false;
  withdraw();
  document.dispatchEvent(new Event("noculture:signed-in"));
  return true;
}

/** Another tab says that somebody is signed in: the server knows whether they still are. */
async function look() {
  if (signing) return document.dispatchEvent(new Event("noculture:session-elsewhere"));
  const found = out ? await whoIs().catch(() => null) : null;
  if (found) back(found);
}

const isTyping = () => document.activeElement?.matches("input, textarea, select");

/**
 * Resolves once the person has signed in again, however long that takes. A line offers it, unless
 * they have asked for this and are not typing: a dialog would take their keys. @param {boolean} asked
 */
export function signedInAgain(asked = false) {
  out = true;
  if (asked && !isTyping()) signInAgain().catch(() => {});
  else if (!signing) offerSignIn(() => signInAgain());
  return new Promise((resolve) => document.addEventListener("noculture:signed-in", resolve, { once: true }));
}

/** The same body with the token of the session that there is now. */
export function withToken(body) {
  if (token && (body instanceof URLSearchParams || body instanceof FormData) && body.has("csrf_token")) {
    body.set("csrf_token", token);
  }
  return body;
}

/** Whether nobody else has signed in in this browser, as far as other tabs have told. */
export const isOurs = () => !stale;

function leave() {
  out = true;
  document.dispatchEvent(new Event("noculture:signed-out"));
}

function reloadIfStale() {
  if (stale && !document.hidden) location.reload();
}

if (account) {
  tabs?.addEventListener("message", ({ data }) => {
    stale = data.account !== undefined && data.account !== account;
    if (stale || data.left === account) leave();
    else if (data.account) look();
    reloadIfStale();
  });
  tabs?.postMessage({ account });
  document.addEventListener("visibilitychange", reloadIfStale);
  // A page that comes back from the browser's memory may be of somebody who has signed out.
  addEventListener("pageshow", async ({ persisted }) => {
    if (!persisted) return;
    const found = await whoIs().catch(() => undefined);
    if (found === null) signInAgain();
    else if (found) goOn(found);
  });
  document.addEventListener("submit", ({ target }) => {
    if (target.getAttribute("action") !== "/sign-out") return;
    tabs?.postMessage({ left: account });
    leave();
  });
  // The e-mail address is asked for now: once the session is over, the server does not tell it.
  addEventListener("load", async () => (email ||= (await whoIs().catch(() => null))?.email ?? ""));
}
