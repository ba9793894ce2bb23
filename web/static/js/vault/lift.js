// Rows of a list that are put into another order by hand: one follows the pointer, or steps by keys.

const EDGE_PX = 100; // so near to an edge a lifted row scrolls
const SCROLLED_PX = 9; // in each frame

const middle = (row) => {
  const { top, height } = row.getBoundingClientRect();
  return top + height / 2;
};

/** The others go round it: what is moved itself would lose the focus and the finger. */
export function step(row, steps) {
  for (let done = 0; done < Math.abs(steps); done++) {
    if (steps > 0) row.before(row.nextElementSibling);
    else row.after(row.previousElementSibling);
  }
}

/**
 * By mouse, pen or finger.
 * @param {PointerEvent} event that pressed the handle @param {HTMLElement} handle @param {HTMLElement} row
 * @param {(kept: boolean) => void} dropped false if it is to be where it was
 * @param {HTMLElement | null} [box] that scrolls; else the window does
 */
export function lift(event, handle, row, dropped, box = null) {
  event.preventDefault();
  handle.focus();
  handle.setPointerCapture(event.pointerId);
  let [y, held] = [event.clientY, true];
  const over = new AbortController();
  const on = (name, what) => addEventListener(name, what, { signal: over.signal, capture: true });
  const drop = (kept) => {
    over.abort();
    held = false;
    row.removeAttribute("data-lifted");
    dropped(kept);
  };
  const draw = () => {
    if (!held) return;
    const { top, bottom } = box?.getBoundingClientRect() ?? { top: 0, bottom: innerHeight };
    if (y < top + EDGE_PX) (box ?? window).scrollBy(0, -SCROLLED_PX);
    if (y > bottom - EDGE_PX) (box ?? window).scrollBy(0, SCROLLED_PX);
    follow(row, y);
    requestAnimationFrame(draw);
  };
  on("pointermove", (moved) => (y = moved.clientY));
  on("pointerup", (up) => {
    follow(row, up.clientY);
    drop(true);
  });
  on("pointercancel", () => drop(false));
  on("keydown", (key) => {
    if (key.key !== "Escape") return;
    key.preventDefault();
    drop(false);
  });
  row.toggleAttribute("data-lifted", true);
  requestAnimationFrame(draw);
}

function follow(row, y) {
  while (row.nextElementSibling && y > middle(row.nextElementSibling)) row.before(row.nextElementSibling);
  while (row.previousElementSibling && y < middle(row.previousElementSibling)) row.after(row.previousElementSibling);
}
