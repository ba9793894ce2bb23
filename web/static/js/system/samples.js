// The page of samples: its forms do nothing, its buttons show what only scripts show.

import { offerAgain } from "../banner.js";
import { toast } from "../toasts.js";

const SHOWN = {
  toast: () => toast("“Blackout” was deleted.", { undo: () => toast("“Blackout” is back.", { seconds: 5 }) }),
  banner: (button) => offerAgain(button, () => {}),
};

customElements.define(
  "part-samples",
  class extends HTMLElement {
    connectedCallback() {
      // Caught on its way down: the page's own way of sending forms must not hear of it.
      this.addEventListener("submit", this.sent, true);
      this.addEventListener("click", ({ target }) => {
        const button = target.closest("[data-shows]");
        if (button) SHOWN[button.dataset.shows](button);
      });
    }

    sent = (event) => {
      if (event.target.method === "dialog") return;
      event.preventDefault();
      event.stopPropagation();
      event.target.closest("dialog")?.close();
      toast("This is a sample, so nothing was done.", { seconds: 5 });
    };
  },
);
