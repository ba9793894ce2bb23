// How figures are written, the same as web/looks.py does.

/** @param {number} seconds @returns {string} `3:07`, `1:02:07` */
export function clock(seconds) {
  if (!Number.isFinite(seconds)) return "0:00";
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** @param {number} bytes */
export function size(bytes) {
  let [value, unit] = [bytes, "bytes"];
  for (const larger of ["kB", "MB", "GB"]) {
    if (value < 1000) break;
    [value, unit] = [value / 1000, larger];
  }
  return `${value.toFixed(unit === "MB" || unit === "GB" ? 1 : 0)} ${unit}`;
}

/** For screen readers: the polite live region of the page. @param {string} text */
export function announce(text) {
  const region = document.getElementById("announce");
  if (region) region.textContent = text;
}

/** Whether keys are text where the focus is. @param {Element} element */
export function isTyped(element) {
  return element.matches?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])");
}
