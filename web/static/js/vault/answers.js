// What a track's page makes of the answers to its forms.

import { changes, tell } from "../navigation.js";

document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (ctx.response.status < 400) {
    if (ctx.sourceElement.matches?.("form.say-here")) ctx.sourceElement.reset();
  } else if (ctx.select === "#track") {
    // A refusal has no #track: swapped in, it would empty the page. Its words are told instead.
    ctx.swap = "none";
    const answer = new DOMParser().parseFromString(ctx.text, "text/html");
    if (changes(ctx)) tell(answer.querySelector("main h1 + p")?.textContent ?? "That did not work. Try again.");
  }
});
