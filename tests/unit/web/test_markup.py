"""Markup that the shared parts write from values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.markup import HUES, Column, attributes, hue, initials


def test_an_attribute_is_named_with_hyphens_and_what_is_not_so_is_left_out():
    said = attributes({"data_open": "x", "required": True, "disabled": False, "title": None})
    assert said == ' data-open="x" required'


def test_a_value_cannot_leave_its_attribute():
    assert attributes({"title": '"><script>'}) == ' title="&#34;&gt;&lt;script&gt;"'


def test_a_number_is_written_even_if_it_is_none_of_anything():
    assert attributes({"min": 0}) == ' min="0"'


def test_a_cell_says_the_name_of_its_column():
    assert Column("Lag", num=True).cell == ' data-label="Lag" class="num"'
    assert Column("Remove", unseen=True).cell == ' class="deeds"'


def test_only_a_column_that_sorts_says_its_order():
    assert Column("Lag", num=True, sort=True).head == ' class="label num" aria-sort="none"'
    assert Column("Kind").head == ' class="label"'


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Mira Okafor", "MO"), ("ada", "A"), ("Ada de la Cruz", "AC"), ("  ", ""), ("Åse Öst", "ÅÖ")],
)
def test_initials_are_of_the_first_and_the_last_word(name: str, letters: str):
    assert initials(name) == letters


@given(st.text())
def test_a_name_has_one_of_the_colours(name: str):
    assert 1 <= hue(name) <= HUES
