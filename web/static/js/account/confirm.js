// The dialog that confirms that it is still the owner, over the page and all that is typed on it.

import "./passkeys.js";

const PAGE = "/account/confirm";

/** @returns {Promise<boolean>} false if the person did not */
export async function confirmOwner() {
  const answer = await fetch(PAGE, { headers: { Accept: "text/html" }, cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const asked = page.querySelector("#confirm");
  if (!answer.ok || !asked) return false;
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "confirm-title");
  dialog.append(document.adoptNode(asked));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let proven = false;
    const close = () => {
      proven = true;
      dialog.close();
    };
    dialog.addEventListener("noculture:proven", (event) => {
      event.preventDefault();
      close();
    });
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      send(event.target, close);
    });
    dialog.querySelector("[data-close]")?.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(proven);
    });
  });
}

/** @param {HTMLFormElement} form @param {() => void} done */
async function send(form, done) {
  const alert = form.closest("dialog").querySelector("[role=alert]");
  const tell = (text) => {
    alert.textContent = text;
    alert.hidden = !text;
  };
  const { proof_password: password, proof_code: code } = form.elements;
  const typed = {};
  if (password?.value) typed.password = password.value;
  if (code?.value) typed.code = code.value;
  tell("");
  form.toggleAttribute("data-busy", true);
  try {
    const answer = await fetch("/api/me/proof", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(typed),
    });
    if (answer.ok) return done();
    const told = await answer.json();
    tell(told.code === "wrong-credentials" ? "This password is wrong. Type it again." : told.detail);
    (password ?? code).select();
  } catch {
    tell("The server did not answer. Try again.");
  } finally {
    form.toggleAttribute("data-busy", false);
  }
}
