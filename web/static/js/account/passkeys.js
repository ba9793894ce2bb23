// Passkeys: what the browser's authenticator is asked, and what it answers, as JSON.

const REFUSED = {
  NotAllowedError: "Your device did not confirm, or took too long: try again.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "Passkeys work only at an https address with a name, or at http://localhost: open this site there.",
};

async function asked(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const told = await answer.json();
  if (answer.ok) return told;
  if (told.code !== "proof-needed") throw new Error(told.detail);
  const { confirmOwner } = await import("./confirm.js");
  if (await confirmOwner()) return asked(path, body);
  throw new Error("Nothing was changed: confirm that it is you first.");
}

class PasskeyElement extends HTMLElement {
  /** Runs `work`; what went wrong is told in words beside the button. */
  async attempt(work) {
    const problem = this.querySelector("[role=alert]");
    problem.hidden = true;
    this.toggleAttribute("data-busy", true);
    try {
      await work();
    } catch (error) {
      problem.textContent = REFUSED[error.name] ?? error.message;
      problem.hidden = false;
    } finally {
      this.toggleAttribute("data-busy", false);
    }
  }
}

customElements.define(
  "passkey-sign-in",
  class extends PasskeyElement {
    connectedCallback() {
      if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
      this.hidden = false;
      this.querySelector("button").addEventListener("click", () => this.attempt(() => this.signIn()));
    }

    async signIn() {
      const options = await asked("/api/sessions/passkey/options");
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const credential = await navigator.credentials.get({ publicKey });
      await asked("/api/sessions/passkey", { credential: credential.toJSON() });
      const told = new CustomEvent("noculture:passkey", { bubbles: true, cancelable: true });
      if (!this.dispatchEvent(told)) return;
      // The server's own rule decides where `next` may lead.
      location.assign(`/sign-in?next=${encodeURIComponent(this.dataset.next)}`);
    }
  },
);

customElements.define(
  "passkey-prove",
  class extends PasskeyElement {
    connectedCallback() {
      if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
      this.hidden = false;
      this.querySelector("button").addEventListener("click", () => this.attempt(() => this.prove()));
    }

    async prove() {
      const options = await asked("/api/me/proof/passkey/options");
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      const credential = await navigator.credentials.get({ publicKey });
      await asked("/api/me/proof/passkey", { credential: credential.toJSON() });
      const told = new CustomEvent("noculture:proven", { bubbles: true, cancelable: true });
      if (!this.dispatchEvent(told)) return;
      // The page itself: what was sent before goes on, with nothing typed.
      const form = document.querySelector("form[data-confirm]");
      form.noValidate = true;
      form.requestSubmit();
    }
  },
);

customElements.define(
  "passkey-add",
  class extends PasskeyElement {
    connectedCallback() {
      this.querySelector("form").addEventListener("submit", (event) => {
        event.preventDefault();
        this.attempt(() => this.add(new FormData(event.target)));
      });
    }

    async add(form) {
      const options = await asked("/api/me/passkeys/options");
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
      const credential = await navigator.credentials.create({ publicKey });
      await asked("/api/me/passkeys", { name: form.get("name"), credential: credential.toJSON() });
      location.assign("/account/security?done=added");
    }
  },
);
