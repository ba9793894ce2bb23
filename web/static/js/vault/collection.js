// A collection's own page: its tracks put in order by hand and by keys, taken out, played; and the list
// of all collections. What is shown counts at once, and the server is told of it behind.

import { tell } from "../navigation.js";
import { announce, clock, isTyped } from "../text.js";
import { toast } from "../toasts.js";
import { change } from "./collecting.js";
import { lift, step } from "./lift.js";
import { player, tracksHere } from "./player.js";
import { fetchInto, Following } from "../following.js";

const CHANGED = "Somebody else changed this collection meanwhile. This is how it is now.";

class CollectionPage extends Following {
  #lifted = null;
  #sending = false;
  #unsent = false;
  #changes = 0;
  #asked = 0;
  #position = 0;

  constructor() {
    super();
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("keydown", (event) => this.#keyed(event));
    this.addEventListener("pointerdown", (event) => this.#lift(event));
  }

  /** @returns {HTMLElement[]} */
  get rows() {
    return [...this.querySelectorAll(".collected > li")];
  }

  get order() {
    return this.rows.map((row) => row.dataset.asset);
  }

  hear({ data, position, type }) {
    const ours = data.collection_id === this.dataset.collection;
    if (ours && type === "collection.deleted") return this.#leave(position);
    if (ours || (data.asset_id && document.getElementById(`in-${data.asset_id}`))) this.follower.ask(position);
  }

  connected({ late }) {
    if (late) this.follower.ask(0);
  }

  /** What somebody is about to change is drawn anew behind it. */
  refresh(position) {
    if (this.#busy || this.#lifted) return this.follower.ask(position);
    this.#asked = this.#changes;
    const how = { target: "#collection", select: "#collection", swap: "outerMorph" };
    return fetchInto(`/collections/${this.dataset.collection}`, Math.max(position, this.#position), how);
  }

  /** Whether an answer was asked for before the last change. */
  get isLate() {
    return this.#asked !== this.#changes;
  }

  get #busy() {
    const { activeElement: focused } = document;
    return this.#sending || (this.contains(focused) && isTyped(focused));
  }

  #leave(position) {
    tell(`“${this.dataset.name}” was deleted.`);
    return fetchInto("/collections", position, { target: "#main", select: "#main", swap: "outerHTML", push: "/collections" });
  }

  #clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const row = button.closest("li");
    const here = tracksHere();
    if (button.matches("[data-play-all]") && here.length) player.play(here[0], 0, here);
    if (!["up", "down", "remove"].includes(button.name)) return;
    event.preventDefault();
    if (button.name === "remove") this.#takeOut(row);
    else this.#place(row, this.rows.indexOf(row) + (button.name === "up" ? -1 : 1));
  }

  #keyed(event) {
    const row = event.target.closest?.("li");
    const onHandle = event.target.closest?.("[data-handle]");
    if (event.key === "Escape") return this.#closeMenu(event.target);
    if (!row || event.ctrlKey || event.metaKey || !(event.altKey || onHandle)) return;
    const here = this.rows.indexOf(row);
    const to = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: this.rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#place(row, to);
  }

  #closeMenu(inside) {
    const menu = inside.closest(".row-menu[open]");
    menu?.removeAttribute("open");
    menu?.querySelector("summary").focus();
  }

  #place(row, to) {
    const playing = tracksHere();
    const last = this.rows.length - 1;
    const steps = Math.min(Math.max(to, 0), last) - this.rows.indexOf(row);
    step(row, steps);
    this.#say(row);
    row.scrollIntoView({ block: "nearest" });
    if (steps) this.#changed(playing);
  }

  #say(row) {
    announce(`${row.dataset.title}: ${this.rows.indexOf(row) + 1} of ${this.rows.length}`);
  }

  #lift(event) {
    const handle = event.target.closest("[data-handle]");
    if (!handle || event.button) return;
    const [row, before, playing] = [handle.closest("li"), this.order, tracksHere()];
    this.#lifted = row;
    lift(event, handle, row, (kept) => {
      this.#lifted = null;
      if (!kept) this.#showInOrder(before);
      else if (this.order.join() !== before.join()) this.#changed(playing);
      this.#say(row);
    });
  }

  #showInOrder(order) {
    const rows = new Map(this.rows.map((row) => [row.dataset.asset, row]));
    for (const id of order) rows.get(id)?.parentElement.append(rows.get(id));
  }

  #takeOut(row) {
    const playing = tracksHere();
    const [before, place, list] = [this.order, this.rows.indexOf(row), row.parentElement];
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.querySelector(".row-menu").removeAttribute("open");
    row.remove();
    (next?.querySelector("[data-handle]") ?? document.getElementById("main")).focus({ preventScroll: true });
    this.#changed(playing);
    toast(`“${row.dataset.title}” is out of “${this.dataset.name}”.`, {
      undo: () => (list.isConnected && this.isConnected ? this.#putBack(row, place, list) : this.#restore(before)),
    });
  }

  #putBack(row, place, list) {
    const playing = tracksHere();
    const behind = this.rows[place];
    if (behind) behind.before(row);
    else list.append(row);
    announce(`${row.dataset.title} is back`);
    this.#changed(playing);
  }

  /** The page is another one by now. */
  async #restore(assets) {
    try {
      await change(this.dataset.collection, { assets: this.#whole(assets) }, Number(this.dataset.version));
      announce("Undone");
      if (this.isConnected) this.follower.ask(0);
    } catch (error) {
      toast(`That cannot be undone: ${error.message}`);
    }
  }

  /** With what the vault does not show at the moment. */
  #whole(shown) {
    return [...shown, ...this.dataset.unseen.split(" ").filter(Boolean)];
  }

  /** @param {import("./player.js").Track[]} played the tracks of this page as they were before */
  #changed(played) {
    const ids = (tracks) => tracks.map(({ id }) => id).join();
    // What plays from this page goes on in the order that is shown now.
    if (played.length && ids(player.queue.tracks) === ids(played)) {
      player.arrange((queue) => queue.fill(tracksHere(), player.track?.id));
    }
    this.#sum();
    this.#changes += 1;
    this.#unsent = true;
    if (!this.#sending) this.#send();
  }

  #sum() {
    const { rows } = this;
    const tracks = rows.length === 1 ? "1 track" : `${rows.length} tracks`;
    const length_s = rows.reduce((sum, row) => sum + (Number(row.dataset.duration) || 0), 0);
    this.querySelector("[data-summary]").textContent = length_s ? `${tracks} · ${clock(length_s)}` : tracks;
  }

  /** One request at a time: each is of the version that the one before has made. */
  async #send() {
    this.#sending = true;
    try {
      while (this.#unsent) {
        this.#unsent = false;
        const changes = { assets: this.#whole(this.order) };
        const { version, position } = await change(this.dataset.collection, changes, Number(this.dataset.version));
        this.dataset.version = String(version);
        this.#position = position;
        for (const field of this.querySelectorAll("[name=version]")) field.value = version;
        this.querySelector("[data-deletes]").dataset.version = String(version);
      }
    } catch ({ message, status }) {
      this.#unsent = false;
      toast(status === 412 ? CHANGED : `Not changed: ${message}`);
      if (this.isConnected) this.follower.ask(0);
    } finally {
      this.#sending = false;
      // The last track has gone: the page says what to do with an empty collection.
      if (!this.rows.length && this.isConnected) this.follower.ask(this.#position);
    }
  }
}
customElements.define("collection-page", CollectionPage);

// The page as it was before a change would undo it in sight: it is asked for once more.
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const page = ctx.target;
  if (!(page instanceof CollectionPage) || ctx.push !== "false" || !page.isLate) return;
  ctx.swap = "none";
  page.follower.ask(0);
});

// A menu of a row closes when something else is pressed.
document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll(".row-menu[open]")) {
    if (!menu.contains(target)) menu.removeAttribute("open");
  }
});

customElements.define(
  "collection-list",
  class extends Following {
    hear({ position, type }) {
      if (type.startsWith("collection.") || type === "asset.deleted") this.follower.ask(position);
    }

    connected({ late }) {
      if (late) this.follower.ask(0);
    }

    /** A form that somebody fills in stays as it is. */
    refresh(position) {
      const { activeElement: focused } = document;
      if (this.contains(focused) && isTyped(focused)) return this.follower.ask(position);
      const how = { target: "#collections", select: "#collections", swap: "outerMorph" };
      return fetchInto(`/collections${location.search}`, position, how);
    }
  },
);
