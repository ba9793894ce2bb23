"""What the list is narrowed and sorted by, in words and addresses."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from read_api.vault.asset_filters import AssetFilters
from web.pages.vault.columns import COLUMNS, direction, hidden, turned
from web.pages.vault.filters import FIELDS
from web.pages.vault.search_form import SearchForm


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"tempo_min": "90", "tempo_max": "120"}, "BPM 90–120"),
        ({"tempo_min": "90"}, "BPM from 90"),
        ({"tempo_max": "120"}, "BPM up to 120"),
        ({"key": "A minor"}, "Key A minor"),
        ({"compatible_with": "A minor"}, "Mixes with A minor"),
        ({"genre": "Techno"}, "Genre Techno"),
        ({"length": "60-180"}, "1 to 3 min"),
        ({"duration_min": "60", "duration_max": "180"}, "1 to 3 min"),
        ({"duration_min": "42"}, "From 42 s"),
        ({"vocals": "no"}, "No vocals"),
        ({"instrument": "piano, strings"}, "With piano, strings"),
        ({"energy_min": "0.4", "energy_max": "0.8"}, "Energy 40%–80%"),
        ({"energy_min": "loud"}, "Energy from loud"),
        ({"since": "2026-05-01T00:00:00Z"}, "Uploaded since 2026-05-01"),
        (
            {"since": "2026-05-01", "until": "2026-06-01"},
            "Uploaded since 2026-05-01 and before 2026-06-01",
        ),
        ({"state": "analysed"}, "State: Ready"),
        ({"state": "no state"}, "State: no state"),
        ({"similar_to": "ast_1"}, "Sounds alike"),
        ({"status": "to-finish"}, "To finish"),
        ({"rating_min": "4"}, "Rating from 4"),
        ({"colour": "teal"}, "Teal"),
    ],
)
def test_what_is_set_is_said_in_words(asked: dict[str, str], words: str):
    assert [chip.words for chip in SearchForm.read(asked).chips] == [words]


def test_a_chip_leads_to_the_same_list_without_it():
    asked = SearchForm.read({"q": "iron", "tempo_min": "90", "key": "A minor", "sort": "title"})
    tempo, key = asked.chips
    assert tempo.without == "/vault?q=iron&key=A+minor&sort=title"
    assert key.without == "/vault?q=iron&tempo_min=90&sort=title"
    assert tempo.fields == ("tempo_min", "tempo_max")


def test_an_order_alone_is_no_filter_and_blanks_and_strangers_are_left_out():
    asked = SearchForm.read({"sort": "title", "q": " ", "key": "", "unheard_of": "1"})
    assert not asked.filtered
    assert asked.url() == "/vault?sort=title"


def test_a_saved_search_that_is_opened_and_saved_again_is_the_same():
    asked = SearchForm.read({"q": "iron", "length": "60-180", "energy_min": "0.5"})
    again = SearchForm.read(dict(pair.split("=") for pair in asked.saved().split("&")))
    assert again.saved() == asked.saved()
    assert again.given["length"] == "60-180"


def test_every_field_of_a_filter_is_one_that_the_list_takes():
    assert {*FIELDS} - AssetFilters.model_fields.keys() == {"length"}


def test_a_head_turns_the_order_round_and_then_lets_it_go():
    assert turned("", "bpm") == turned("title", "bpm") == "tempo"
    assert turned("tempo", "bpm") == "-tempo"
    assert turned("-tempo", "bpm") == ""
    said = [direction(sort, "bpm") for sort in ("tempo", "-tempo", "title", "")]
    assert said == ["ascending", "descending", "none", "none"]


@pytest.mark.parametrize(
    ("cookie", "names"),
    [
        ("", ["energy", "uploaded"]),
        ("noculture_hidden=", []),
        ("noculture_hidden=state.bpm.<script>", ["bpm", "state"]),
    ],
)
def test_a_browser_says_which_columns_it_hides(cookie: str, names: list[str]):
    headers = [(b"cookie", cookie.encode())]
    assert hidden(Request({"type": "http", "headers": headers})) == names
    assert {*names} <= COLUMNS.keys()
