// What is wrong with how a page lies, a line of text for each fault. A function of one argument:
// {within: the part that is looked at, boxes: what nothing may stand out of, least: px that a finger
// or an arrow needs}.
({ within, boxes, least }) => {
  const root = document.querySelector(within);
  const seen = (each) => {
    const { width, height } = each.getBoundingClientRect();
    return width > 1 && height > 1 && each.checkVisibility({ visibilityProperty: true });
  };
  const called = (each) => {
    const words = each.getAttribute("aria-label") ?? each.textContent.trim().replace(/\s+/g, " ");
    return `${each.localName}${each.id && `#${each.id}`} “${words.slice(0, 40)}”`;
  };
  const scrolls = (each) => getComputedStyle(each).overflowX !== "visible";

  function standsOut(box) {
    const { left, right } = box.getBoundingClientRect();
    return [...box.querySelectorAll("*")].filter((each) => {
      for (let above = each.parentElement; above !== box; above = above.parentElement) {
        if (scrolls(above) || above.matches("svg, dialog, [popover]")) return false;
      }
      if (!seen(each) || each.matches("dialog, [popover]") || getComputedStyle(each).position === "fixed") return false;
      const found = each.getBoundingClientRect();
      return found.left < left - 1 || found.right > right + 1;
    });
  }

  // A box with a label is pressed by its label.
  const PRESSED = "a[href], button, input, select, textarea, summary";
  const pressed = [...root.querySelectorAll(PRESSED)].map((each) => each.closest("label") ?? each);
  const targets = [...new Set(pressed)].filter(seen);
  // WCAG 2.2, 2.5.8: a word of a sentence is as high as its line.
  const inText = (each) =>
    getComputedStyle(each).display === "inline" &&
    [...each.parentElement.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  const overlap = (one, other) => {
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    return wide > 1 && high > 1 && !one.contains(other) && !other.contains(one);
  };
  const small = (each) => {
    const { width, height } = each.getBoundingClientRect();
    return Math.min(width, height) < least - 0.5 && !inText(each);
  };
  const covered = (each) => {
    const { left, top, width, height } = each.getBoundingClientRect();
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    return hit && !each.contains(hit) && !hit.contains(each);
  };
  const spills = (each) => !each.matches("input, select, textarea") && !scrolls(each) && each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0;

  const page = document.documentElement;
  return [
    ...(page.scrollWidth > innerWidth ? [`the page is ${page.scrollWidth} px wide`] : []),
    ...[...root.querySelectorAll(boxes)].flatMap(standsOut).map((each) => `${called(each)} stands out of its box`),
    ...targets.filter(spills).map((each) => `${called(each)} is wider than itself`),
    ...targets.filter(small).map((each) => {
      const { width, height } = each.getBoundingClientRect();
      return `${called(each)} is ${Math.round(width)} × ${Math.round(height)} px`;
    }),
    ...targets.filter(covered).map((each) => `${called(each)} is covered`),
    ...targets.flatMap((one, number) =>
      targets.slice(number + 1).filter((other) => overlap(one, other)).map((other) => `${called(one)} and ${called(other)} overlap`),
    ),
  ];
}
