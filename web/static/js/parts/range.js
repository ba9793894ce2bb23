// A slider that says its value while it is moved.

customElements.define(
  "range-field",
  class extends HTMLElement {
    connectedCallback() {
      this.addEventListener("input", ({ target }) => {
        this.querySelector("output").textContent = target.value + this.dataset.unit;
      });
    }
  },
);
