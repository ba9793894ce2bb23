"""A search that is kept: in one form, and refused if it is none."""

from __future__ import annotations

import pytest

from read_api.vault.search.saved import InvalidQuery, canonical, filters_of


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("tempo_min=130&q=dark+techno", "q=dark+techno&tempo_min=130"),
        ("q=dark%20techno&limit=10&cursor=x", "q=dark+techno"),
        ("q=&tempo_max=92.5&sort=-tempo", "tempo_max=92.5&sort=-tempo"),
        ("key=A%23+minor", "key=A%23+minor"),
    ],
)
def test_a_search_is_kept_in_one_form(said: str, kept: str):
    assert canonical(said) == kept
    assert canonical(kept) == kept
    assert filters_of(kept) == filters_of(said)


@pytest.mark.parametrize(
    "wrong", ["", "limit=5", "tempo_min=fast", "shape=round", "tempo_min=2&tempo_max=1", "q="]
)
def test_what_is_no_search_is_not_kept(wrong: str):
    with pytest.raises(InvalidQuery):
        canonical(wrong)
