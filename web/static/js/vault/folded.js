// Songs in the list: their versions unfold, and stay unfolded while the list is drawn again.

/** @type {Set<string>} ids of what is unfolded */
const open = new Set();

function show() {
  for (const button of document.querySelectorAll("[data-unfold]")) {
    const id = button.getAttribute("aria-controls");
    button.setAttribute("aria-expanded", String(open.has(id)));
    document.getElementById(id).hidden = !open.has(id);
  }
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-unfold]");
  if (!button) return;
  const id = button.getAttribute("aria-controls");
  if (!open.delete(id)) open.add(id);
  show();
});
document.addEventListener("htmx:after:swap", show);
