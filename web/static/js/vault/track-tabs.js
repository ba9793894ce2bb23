// <track-tabs>: one part of a track's page at a time. The address says which, so that it outlives a
// reload, a swap of the page and Back; a link to something in a hidden part shows that part.

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

customElements.define(
  "track-tabs",
  class extends HTMLElement {
    #follow = () => this.follow();

    connectedCallback() {
      // On its way down: htmx listens on the link itself and would fetch the page.
      this.addEventListener("click", (event) => this.#clicked(event), true);
      this.addEventListener("keydown", (event) => this.#keyed(event));
      document.addEventListener("htmx:after:swap", this.#follow);
      addEventListener("hashchange", this.#follow);
      this.follow();
    }

    disconnectedCallback() {
      document.removeEventListener("htmx:after:swap", this.#follow);
      removeEventListener("hashchange", this.#follow);
    }

    /** @returns {HTMLAnchorElement[]} */
    get tabs() {
      return [...this.querySelectorAll("[role=tab]")];
    }

    /** Shows the part that the address asks for. */
    follow() {
      const named = document.getElementById(location.hash.slice(1));
      const panel = named?.closest("[role=tabpanel]");
      if (panel) this.#show(panel.getAttribute("aria-labelledby"));
      else this.#show(`tab-${new URLSearchParams(location.search).get("tab") ?? "listen"}`);
    }

    #show(id) {
      const { tabs } = this;
      const chosen = tabs.find((tab) => tab.id === id) ?? tabs[0];
      for (const tab of tabs) {
        tab.setAttribute("aria-selected", String(tab === chosen));
        tab.tabIndex = tab === chosen ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
      }
    }

    #choose(tab) {
      history.replaceState(history.state, "", tab.search);
      this.#show(tab.id);
      tab.focus();
      tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }

    #clicked(event) {
      const tab = event.target.closest("[role=tab]");
      if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.#choose(tab);
    }

    #keyed(event) {
      const { tabs } = this;
      const here = tabs.indexOf(event.target);
      if (here < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
      const ends = { Home: 0, End: tabs.length - 1, " ": here };
      const to = ends[event.key] ?? (here + STEPS[event.key] + tabs.length) % tabs.length;
      if (!tabs[to]) return;
      event.preventDefault();
      event.stopPropagation();
      this.#choose(tabs[to]);
    }
  },
);
