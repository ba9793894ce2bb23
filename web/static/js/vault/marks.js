// Marks in the head of a track's page: keys for the stars, and forms that stay up to date.

/** The version that the page was at before marks were sent. */
let before = null;

document.addEventListener("keydown", (event) => {
  const stars = event.target.closest?.("form.marks .stars");
  if (!stars || !/^[0-5]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const wanted = stars.querySelector(`input[value="${event.key}"]`);
  wanted.focus();
  wanted.click();
});

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement.matches("form.marks")) before = ctx.sourceElement.dataset.version;
});

/** Other forms of the page have seen what the marks did: nobody else changed the track for them. */
document.addEventListener("htmx:after:swap", () => {
  const now = document.querySelector("form.marks")?.dataset.version;
  if (before === null || now === undefined) return;
  if (Number(now) === Number(before) + 1) {
    for (const field of document.querySelectorAll("#track input[name=version]")) {
      if (field.value === before) field.value = field.defaultValue = now;
    }
  }
  before = null;
});
