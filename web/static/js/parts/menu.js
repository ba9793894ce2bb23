// Menus by keyboard. The browser opens a popover, closes it and gives the focus back; this moves the
// focus among what is in it, and closes it behind a deed.

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

class MenuItems extends HTMLElement {
  connectedCallback() {
    this.addEventListener("toggle", this.toggled);
    this.addEventListener("keydown", this.pressed);
    this.addEventListener("click", this.clicked);
  }

  get items() {
    return [...this.querySelectorAll("[role=menuitem]:not(:disabled)")];
  }

  toggled = ({ newState }) => newState === "open" && this.items[0]?.focus();

  clicked = (event) => event.target.closest("[role=menuitem]") && this.hidePopover();

  pressed = (event) => {
    if (event.key === "Tab") return this.hidePopover();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.next(event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  };

  /** @param {string} key an arrow, an end, or the first letter of what it goes to */
  next(key) {
    const { items } = this;
    const at = items.indexOf(document.activeElement);
    if (key in STEPS) return items[(at + STEPS[key] + items.length) % items.length];
    if (key === "Home" || key === "End") return items.at(key === "Home" ? 0 : -1);
    const behind = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    const begins = (item) => item.textContent.trim().toLowerCase().startsWith(key.toLowerCase());
    return key.length === 1 && key !== " " ? behind.find(begins) : undefined;
  }
}

customElements.define("menu-items", MenuItems);
