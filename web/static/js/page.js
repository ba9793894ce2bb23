// What every page has, signed in or not: the theme and times in the reader's own zone.

import "./progress.js";

const THEME_COOKIE = "noculture_theme";
const YEAR_S = 31_536_000;

/** @param {string} theme "dark", "light" or "" for what the system says */
export function chooseTheme(theme) {
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  // A cookie, so that the server writes the theme into the page and nothing flashes.
  document.cookie = `${THEME_COOKIE}=${theme}; path=/; max-age=${theme ? YEAR_S : 0}; samesite=lax`;
  document.dispatchEvent(new CustomEvent("noculture:theme"));
}

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  document.dispatchEvent(new CustomEvent("noculture:theme")),
);

document.addEventListener("click", (event) => {
  if (event.target.closest(".theme-toggle")) chooseTheme(isDark() ? "light" : "dark");
});

customElements.define(
  "theme-choice",
  class extends HTMLElement {
    connectedCallback() {
      this.addEventListener("change", (event) => chooseTheme(event.target.value));
    }
  },
);

let written = null; // made when a page has a time to write
let writtenDay = null;

/** The server writes UTC; a reader wants the clock on the wall. */
export function localTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    written ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
    writtenDay ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
    const text = ("day" in time.dataset ? writtenDay : written).format(new Date(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}
localTimes();
