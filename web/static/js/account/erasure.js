// Follows an erasure: the page's own middle, read again every second until it is over.

class FollowErasure extends HTMLElement {
  connectedCallback() {
    if (this.dataset.state !== "erased") this.timer = setTimeout(() => this.look(), 1000);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  async look() {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
    const text = answer?.ok ? await answer.text() : "";
    const found = new DOMParser().parseFromString(text, "text/html").querySelector("follow-erasure");
    if (found) this.replaceWith(found);
    else this.connectedCallback();
  }
}

customElements.define("follow-erasure", FollowErasure);
