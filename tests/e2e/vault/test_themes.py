"""A canvas takes no `light-dark(…)`: waveforms are drawn in the colours of the theme that holds."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Visit

# The commonest colour of a row's waveform, and what the page says that a waveform has.
DRAWN = """
(() => {
  const canvas = document.querySelector("mini-wave canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const counted = new Map();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 255) continue;
    const colour = `rgb(${data[at]}, ${data[at + 1]}, ${data[at + 2]})`;
    counted.set(colour, (counted.get(colour) ?? 0) + 1);
  }
  return [...counted].sort((one, other) => other[1] - one[1])[0]?.[0];
})()
"""
WAVES = {"light": "rgb(135, 138, 126)", "dark": "rgb(116, 120, 108)"}
OTHER = {"light": "dark", "dark": "light"}


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_waveform_follows_the_systems_theme_and_the_chosen_one(owner: Visit, system: str):
    owner.page.emulate_media(color_scheme=system)
    owner.go("/vault")
    owner.until(f"{DRAWN.strip()} === '{WAVES[system]}'")
    owner.page.get_by_role("button", name="Account menu").click()
    owner.page.get_by_role("button", name="Switch between light and dark").click()
    owner.until(f"{DRAWN.strip()} === '{WAVES[OTHER[system]]}'")
    owner.page.reload()
    owner.until(f"{DRAWN.strip()} === '{WAVES[OTHER[system]]}'")
