// Links, searches and forms, by htmx and without: none is lost to a network that is away or to a
// session that is over.

import { ask } from "./asking.js";
import { offerAgain } from "./banner.js";
import { goOn, signInAgain, whoIs } from "./session.js";

/** @type {object | null} the last page that was asked for: only it is swapped in */
let going = null;
/** @type {WeakMap<Element, {sent: string, key: string}>} what a form sent without an answer */
const unanswered = new WeakMap();

/** Asked for by the page itself, to follow the log. */
const isBackground = (ctx) => ctx.push === "false" && ctx.sourceElement === document.body;

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const { request, sourceElement } = ctx;
  // Its time limit would run while somebody types a password; `ask` has its own for each attempt.
  clearTimeout(ctx.requestTimeout);
  const quiet = isBackground(ctx);
  if (request.method === "GET") {
    if (ctx.target?.id === "main" && !quiet) {
      going?.abort();
      going = request;
    }
    ctx.fetch = (address, init) => ask(address, init, { quiet });
  } else {
    ctx.fetch = (address, init) => change(address, init, sourceElement);
  }
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (going === ctx.request) going = null;
});

/** One that was sent without an answer may have been done: sent again, it has the same key. */
async function change(address, init, form) {
  const sent = said(address, init.body);
  const known = unanswered.get(form);
  const key = known?.sent === sent ? known.key : crypto.randomUUID?.() ?? String(Math.random());
  unanswered.set(form, { sent, key });
  const { submitter } = init;
  const again = form.requestSubmit && (() => form.isConnected && form.requestSubmit(submitter));
  const headers = { ...init.headers, "Idempotency-Key": key };
  const answer = await ask(address, { ...init, headers }, { again, form });
  unanswered.delete(form);
  return answer;
}

function said(address, body) {
  const fields = [...(body ?? [])].filter(([name]) => name !== "csrf_token");
  return JSON.stringify([address, fields.map(([name, value]) => [name, String(value)])]);
}

/** Whether a page load may begin now. @param {() => void} again @param {Element} owner */
async function ready(again, owner) {
  try {
    const found = await whoIs();
    return await (found ? goOn(found) : signInAgain());
  } catch {
    offerAgain(owner, again);
    return false;
  }
}

// A form that leaves the page would lose what was typed, to the sign-in page or a browser's error.
let passing = false;
const isWaitedFor = (form) =>
  form.matches("[data-needs-session]") ||
  (form.method === "post" && !form._htmx?.initialized && form.getAttribute("action") !== "/sign-out");

document.addEventListener(
  "submit",
  async (event) => {
    const { target: form, submitter } = event;
    if (passing || !isWaitedFor(form)) return;
    event.preventDefault();
    event.stopPropagation();
    const again = () => form.isConnected && form.requestSubmit(submitter);
    if (await ready(again, form)) pass(again);
  },
  { capture: true },
);

document.addEventListener(
  "click",
  async (event) => {
    const link = event.target.closest?.("a[download]");
    if (passing || !link) return;
    event.preventDefault();
    if (await ready(() => link.click(), link)) pass(() => link.click());
  },
  { capture: true },
);

function pass(act) {
  passing = true;
  try {
    act();
  } finally {
    passing = false;
  }
}
