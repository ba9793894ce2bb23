// Asking the server as fetch does, with patience: it waits for the network and for signing in again.

import { answers, offerAgain, withdraw } from "./banner.js";
import { begin } from "./progress.js";
import { goOn, isOurs, signedInAgain, signInAgain, whoIs, withToken } from "./session.js";

const RETRY_MS = [1_000, 2_000, 5_000, 10_000];
const NO_ANSWER_MS = 20_000;
const NO_ANSWER_TO_A_CHANGE_MS = 120_000;
const SAFE = ["GET", "HEAD"];
/** @type {() => Promise<boolean>} false if the person did not */
let confirmOwner = async () => false;

/** Says how somebody confirms, over the page, that they are the owner. @param {() => Promise<boolean>} how */
export function confirmWith(how) {
  confirmOwner = how;
}

/** Nothing was done, and the person knows why. Named so that htmx does not report it once more. */
export const notSent = (text) => new DOMException(text, "AbortError");

/**
 * @param {string} address
 * @param {RequestInit} [init]
 * @param {{quiet?: boolean, again?: () => void, form?: Element, waits?: () => void}} [how]
 *   quiet: nobody has just asked for it, so no bar and no dialog. again: what "Send again" does with a change of `form` that was not sent.
 *   waits: called when it has to wait for the network or for signing in
 * @returns {Promise<Response>} rejects with AbortError when it was given up
 */
export async function ask(address, init = {}, { quiet, again, form, waits } = {}) {
  const safe = SAFE.includes(init.method ?? "GET");
  let renewed = false;
  for (let attempt = 0; ; attempt++) {
    if (!isOurs()) throw notSent("Somebody else has signed in meanwhile: reload the page.");
    const end = quiet ? () => {} : begin();
    let answer;
    try {
      answer = await fetch(address, limited(init, safe));
    } catch (error) {
      if (init.signal?.aborted) throw error;
      waits?.();
      if (!safe) {
        if (form) offerAgain(form, again);
        throw notSent("The server did not answer, so nothing was done. Try again.");
      }
      end();
      answers(false);
      await networkOr(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)], init.signal);
      continue;
    } finally {
      end();
    }
    answers(true);
    if (form) withdraw(form);
    if (isSignedOut(answer)) {
      waits?.();
      if (quiet) await signedInAgain();
      else if (!(await signInAgain().catch(() => false))) throw notSent("You are signed out, so nothing was done. Sign in again.");
    } else if (isOldToken(answer) && !renewed) {
      renewed = true;
      const found = await whoIs().catch(() => null);
      if (found) await goOn(found);
    } else if (isProofNeeded(answer) && !safe) {
      waits?.();
      if (!(await confirmOwner())) throw notSent("Nothing was changed: confirm that it is you first.");
    } else {
      return answer;
    }
    init.signal?.throwIfAborted();
    withToken(init.body);
  }
}

/** The session is over; a wrong password is a 401 too, without the header. @param {Response} answer */
const isSignedOut = ({ status, headers }) => status === 401 && headers.has("WWW-Authenticate");
/** Another tab has signed in meanwhile: a new session, with a form token of its own. */
const isOldToken = ({ headers }) => headers.get("NoCulture-Problem") === "form-token-mismatch";

/** It takes a password, passkey or code once more. */
const isProofNeeded = ({ headers }) => headers.get("NoCulture-Problem") === "proof-needed";

/** A connection that has died gives no error. */
function limited(init, safe) {
  const limit = AbortSignal.timeout(safe ? NO_ANSWER_MS : NO_ANSWER_TO_A_CHANGE_MS);
  if (!init.signal) return { ...init, signal: limit };
  return AbortSignal.any ? { ...init, signal: AbortSignal.any([init.signal, limit]) } : init;
}

/** @param {number} delay_ms @param {AbortSignal} [signal] rejects when it is given up */
function networkOr(delay_ms, signal) {
  return new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener("online", over);
      signal?.removeEventListener("abort", over);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(over, delay_ms);
    addEventListener("online", over);
    signal?.addEventListener("abort", over);
  });
}

/**
 * Whether the network or the session was what was missing, once both are there again.
 * @param {boolean} [quiet] as above
 * @returns {Promise<boolean>}
 */
export async function wasAway(quiet = true) {
  let waited = false;
  const answer = await ask("/session", { cache: "no-store" }, { quiet, waits: () => (waited = true) });
  if (answer.ok) await goOn(await answer.json());
  return waited;
}
