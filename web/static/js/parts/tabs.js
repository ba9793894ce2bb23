// Tabs: one of several panels at a time. The address says which, so that it outlives a reload, a swap
// of the page and Back; a link to something in a hidden panel shows that panel.

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

class TabSet extends HTMLElement {
  connectedCallback() {
    // Caught on its way down: the page's own way of following links must not hear of it.
    this.addEventListener("click", this.clicked, true);
    this.addEventListener("keydown", this.pressed);
    document.addEventListener("htmx:after:swap", this.follow);
    addEventListener("hashchange", this.follow);
    this.follow();
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:after:swap", this.follow);
    removeEventListener("hashchange", this.follow);
  }

  get tabs() {
    return [...this.querySelectorAll("[role=tab]")].filter((tab) => tab.closest("tab-set") === this);
  }

  /** Shows what the address asks for. */
  follow = () => {
    const aim = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const within = aim && this.tabs.find((tab) => panelOf(tab)?.contains(aim));
    const here = new URLSearchParams(location.search);
    const asked = this.tabs.find((tab) => [...entry(tab)].every(([name, value]) => here.get(name) === value));
    if (within ?? asked) this.show(within ?? asked);
    if (within) aim.scrollIntoView();
  };

  /** @param {HTMLAnchorElement} chosen */
  show(chosen) {
    for (const tab of this.tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panelOf(tab)?.toggleAttribute("hidden", tab !== chosen);
    }
  }

  choose(tab) {
    this.show(tab);
    const address = new URL(location.href);
    for (const [name, value] of entry(tab)) address.searchParams.set(name, value);
    address.hash = "";
    history.replaceState(history.state, "", address);
    tab.focus();
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  clicked = (event) => {
    const tab = event.target.closest("[role=tab]");
    if (!this.tabs.includes(tab) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.choose(tab);
  };

  pressed = (event) => {
    const { tabs } = this;
    const at = tabs.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = { Home: 0, End: tabs.length - 1 }[event.key] ?? (at + STEPS[event.key] + tabs.length) % tabs.length;
    if (event.key === " ") this.choose(event.target);
    else if (tabs[next]) this.choose(tabs[next]);
    else return;
    event.preventDefault();
  };
}

/** @param {HTMLAnchorElement} tab what it puts into the address */
const entry = (tab) => new URLSearchParams(tab.search);
const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

customElements.define("tab-set", TabSet);
