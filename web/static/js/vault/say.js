// <comment-box>: words on the moment that plays. Enter sends them; they are shown at once, and stay
// in the box until they have arrived.

import { player } from "./player.js";

customElements.define(
  "comment-box",
  class extends HTMLElement {
    #written = ""; // the moment that this box has put in, not a person
    #pending = null;
    #follow = () => this.#takeMoment();

    connectedCallback() {
      this.form = this.querySelector("form");
      [this.at, this.words] = [this.form.elements.at, this.form.elements.text];
      this.#written = this.at.defaultValue;
      this.addEventListener("focusin", (event) => event.target === this.words && this.#takeMoment(true));
      this.addEventListener("keydown", (event) => this.#keyed(event));
      this.addEventListener("reset", () => (this.#written = this.at.defaultValue));
      this.addEventListener("htmx:before:request", () => this.#sending());
      this.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => this.#answered(ctx.response));
      for (const name of ["track", "change"]) player.addEventListener(name, this.#follow);
      this.#takeMoment(document.activeElement === this.words);
    }

    disconnectedCallback() {
      for (const name of ["track", "change"]) player.removeEventListener(name, this.#follow);
    }

    get stage() {
      return document.querySelector("track-stage");
    }

    /** Follows the playhead until somebody writes: words are on the moment at which they were begun. */
    #takeMoment(begins = false) {
      const writes = this.words.value || (this.contains(document.activeElement) && !begins);
      if (writes || this.at.value !== this.#written) return;
      const { track, time } = player;
      const here = this.closest("[data-asset]").dataset.asset;
      this.at.value = this.#written = moment(track?.id === here ? time : 0);
    }

    #keyed(event) {
      if (event.target !== this.words || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.form.requestSubmit(this.querySelector("button"));
    }

    /** The comment is in its place before the server has it. */
    #sending() {
      this.#withdraw();
      const line = document.createElement("li");
      line.className = "pending";
      line.dataset.comment = "";
      line.dataset.at = seconds(this.at.value);
      const [at, words] = [document.createElement("span"), document.createElement("p")];
      [at.className, words.className] = ["chip", "text"];
      [at.textContent, words.textContent] = [this.at.value, this.words.value];
      line.append(at, words);
      document.querySelector("#comments .comments")?.append(line);
      this.#pending = line;
      this.stage?.draw?.();
      this.#say(`Sending your comment at ${this.at.value}…`);
    }

    #answered(response) {
      this.#withdraw();
      if (response?.status < 400) {
        this.#say("Your comment was added.");
        this.#takeMoment(true);
      } else this.#say("Not sent. Your words are still here.");
      this.toggleAttribute("data-failed", !(response?.status < 400));
    }

    /** The answer may have made the comment itself of its line. */
    #withdraw() {
      if (this.#pending?.matches(".pending")) this.#pending.remove();
      this.#pending = null;
      this.stage?.draw?.();
    }

    #say(text) {
      this.querySelector(".answer").textContent = text;
    }
  },
);

/** @param {number} at_s @returns {string} `1:23.4`, as the server reads it */
function moment(at_s) {
  const tenths = Math.round(at_s * 10);
  const rest = String(Math.floor((tenths % 600) / 10)).padStart(2, "0");
  return `${Math.floor(tenths / 600)}:${rest}.${tenths % 10}`;
}

/** @param {string} text @returns {number} */
const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
