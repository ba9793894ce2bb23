// The picture of a track: chosen or dropped, removed, and undone.

import { ask } from "../asking.js";
import { announce } from "../text.js";
import { toast } from "../toasts.js";

const NO_ANSWER = "the server did not answer. Try again.";

customElements.define(
  "track-artwork",
  class extends HTMLElement {
    connectedCallback() {
      this.addEventListener("change", (event) => {
        const [file] = event.target.files;
        event.target.value = "";
        if (file) this.#choose(file);
      });
      this.addEventListener("click", (event) => event.target.closest("[data-remove]") && this.#remove());
      // A picture that is dropped here is no music for the vault.
      for (const name of ["dragenter", "dragover"]) this.addEventListener(name, (event) => this.#over(event));
      this.addEventListener("dragleave", () => this.toggleAttribute("data-over", false));
      this.addEventListener("drop", (event) => this.#dropped(event));
    }

    #over(event) {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      event.stopPropagation();
      this.toggleAttribute("data-over", true);
    }

    #dropped(event) {
      const [file] = event.dataTransfer.files;
      if (!file) return;
      event.preventDefault();
      event.stopPropagation();
      this.toggleAttribute("data-over", false);
      this.#choose(file);
    }

    async #choose(file) {
      this.toggleAttribute("data-busy", true);
      const sent = { method: "PUT", body: file, headers: { "Content-Type": file.type || "application/octet-stream" } };
      await this.#change("", sent, "Picture changed", "This picture was not taken");
      this.toggleAttribute("data-busy", false);
    }

    #remove() {
      return this.#change("", { method: "DELETE" }, "Picture removed", "The picture was not removed");
    }

    async #change(path, init, done, failed) {
      try {
        const { version } = await send(this.dataset.asset, path, init, "*");
        const undo = () => takeBack(this.dataset.asset, version);
        toast(done, { undo });
      } catch (error) {
        toast(`${failed}: ${error.message}`);
      }
    }
  },
);

/** @throws {Error} with the server's sentence */
async function send(asset, path, init, seen) {
  const headers = { ...init.headers, Accept: "application/json", "If-Match": seen };
  const answer = await ask(`/api/assets/${asset}/artwork${path}`, { ...init, headers }).catch(() => {
    throw new Error(NO_ANSWER);
  });
  const told = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(told?.detail ?? NO_ANSWER);
  return told;
}

async function takeBack(asset, version) {
  try {
    await send(asset, "/undo", { method: "POST" }, `"v${version}"`);
    announce("Undone");
  } catch (error) {
    toast(`That cannot be undone: ${error.message}`);
  }
}
