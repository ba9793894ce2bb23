// Tables in the order that the reader chose, also when the page fetches them anew.

/** @type {Map<string, {column: number, down: boolean}>} by page and table */
const orders = new Map();

class DataTable extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.clicked);
    document.addEventListener("htmx:after:swap", this.follow);
    this.follow();
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:after:swap", this.follow);
  }

  get key() {
    return `${location.pathname} ${this.getAttribute("aria-label")}`;
  }

  get heads() {
    return [...this.querySelectorAll("thead th")];
  }

  clicked = (event) => {
    const head = event.target.closest(".sort")?.closest("th");
    if (!head) return;
    const column = this.heads.indexOf(head);
    const order = orders.get(this.key);
    // Figures begin with the largest, words with A.
    const down = order?.column === column ? !order.down : head.classList.contains("num");
    orders.set(this.key, { column, down });
    this.follow();
  };

  follow = () => {
    const order = orders.get(this.key);
    const head = order && this.heads[order.column];
    if (!head) return;
    for (const each of this.heads.filter((each) => each.ariaSort)) each.ariaSort = "none";
    head.ariaSort = order.down ? "descending" : "ascending";
    const body = this.querySelector("tbody");
    const valued = [...body.rows].map((row) => ({ row, value: valueOf(row.cells[order.column], head) }));
    const sign = order.down ? -1 : 1;
    body.append(...valued.sort((a, b) => sign * compared(a.value, b.value)).map(({ row }) => row));
  };
}

/** @returns {number | string} a time is text that sorts as it is written */
function valueOf(cell, head) {
  const text = cell.textContent.trim();
  if (!head.classList.contains("num")) return cell.querySelector("time")?.dateTime ?? text;
  const number = Number.parseFloat(text.replaceAll(",", "").replace("\u2212", "-"));
  return Number.isNaN(number) ? -Infinity : number;
}

function compared(one, other) {
  if (typeof one === "string") return one.localeCompare(other, undefined, { numeric: true });
  return one === other ? 0 : one - other;
}

customElements.define("data-table", DataTable);
