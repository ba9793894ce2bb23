// One line below the header: that the network is away, and what was not sent.

const OFFLINE = "You are offline. Pages and searches load as soon as the network is back.";
const OFFLINE_UNSENT = "You are offline. Nothing was sent, and what you typed is still here.";
const SILENT = "The server does not answer. We keep trying.";
const UNSENT = "That was not sent, and what you typed is still here.";
const SIGNED_OUT = "You are signed out.";

// In the page from the start: screen readers tell what changes in a region that they know.
const line = document.createElement("div");
const words = document.createElement("span");
line.className = "banner";
line.setAttribute("role", "status");
line.append(words);
document.querySelector(".top, .side")?.after(line);

/** @type {{label: string, act?: () => void, owner?: Element} | null} what can be done, until it is */
let offer = null;
let silent = false;

function text() {
  const unsent = offer?.owner;
  if (!navigator.onLine) return unsent ? OFFLINE_UNSENT : OFFLINE;
  if (offer) return unsent ? UNSENT : SIGNED_OUT;
  return silent ? SILENT : "";
}

function draw() {
  words.textContent = text();
  const buttons = [];
  if (offer?.act) buttons.push(button(offer.label, offer.act));
  if (offer) buttons.push(button("Not now"));
  line.replaceChildren(words, ...buttons);
  line.toggleAttribute("data-shown", words.textContent !== "");
}

function button(label, act) {
  const made = document.createElement("button");
  made.className = "button";
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", () => {
    offer = null;
    draw();
    act?.();
  });
  return made;
}

/** Whether the server answers what it is asked. @param {boolean} answers */
export function answers(answers) {
  if (silent === !answers) return;
  silent = !answers;
  draw();
}

/** A change was not sent. @param {Element} owner its form @param {() => void} [again] */
export function offerAgain(owner, again) {
  offer = { label: "Send again", act: again, owner };
  draw();
}

/** @param {() => void} signIn */
export function offerSignIn(signIn) {
  offer = { label: "Sign in", act: signIn };
  draw();
}

/** What was offered has been done, or cannot be done any more. @param {Element} [owner] */
export function withdraw(owner) {
  if (!offer || offer.owner !== owner) return;
  offer = null;
  draw();
}

for (const name of ["online", "offline"]) addEventListener(name, draw);
document.addEventListener("htmx:after:swap", () => offer?.owner?.isConnected === false && withdraw(offer.owner));
if (!navigator.onLine) draw();
