"""The small rules of pages: forms, waveforms, addresses, static files."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.caller import Caller
from kit.csrf import FormTokenMismatch
from schemas.vault.dto import AssetDto, EffectiveDto, TagsDto
from tools import vendor_assets
from web import form_token
from web.pages.account.entrance import local_path
from web.pages.vault.asset import narrowed
from web.pages.vault.tags import changes_of, form_of
from web.pages.vault.vault import SearchForm
from web.static_files import StaticFiles


def asset(**tags) -> AssetDto:
    return AssetDto(
        id="ast_1",
        version=2,
        state="analysed",
        filename="a.wav",
        sha256="0" * 64,
        size_bytes=1,
        uploaded_at=datetime(2026, 11, 22, tzinfo=UTC),
        tags=TagsDto(**tags),
        effective=EffectiveDto(),
    )


def typed(shown: AssetDto, **changes: str) -> dict[str, str]:
    return form_of(shown)["form"] | changes


def test_a_form_that_was_not_touched_says_nothing():
    shown = asset(title="Iron Bloom", tempo_bpm=132.0, year=2021)
    assert changes_of(shown, typed(shown)) == {}


def test_only_what_differs_is_said_and_an_emptied_field_is_taken_back():
    shown = asset(title="Iron Bloom", genre="Techno", tempo_bpm=132.0)
    assert changes_of(shown, typed(shown, genre="", tempo_bpm="93.5")) == {
        "genre": None,
        "tempo_bpm": "93.5",
    }


def test_an_isrc_may_be_typed_with_hyphens():
    assert changes_of(asset(), typed(asset(), isrc="us-rc1-76-07839")) == {"isrc": "USRC17607839"}


def test_narrowing_a_waveform_loses_no_peak():
    pairs = [value for n in range(1000) for value in (-(n % 7), n % 11)]
    pairs[2 * 617], pairs[2 * 618 + 1] = -128, 127
    narrow = narrowed(pairs, 200)
    assert len(narrow) == 400
    assert (min(narrow), max(narrow)) == (-128, 127)


def test_a_short_waveform_stays_as_it_is():
    assert narrowed([-1, 2, -3, 4], 200) == [-1, 2, -3, 4]


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", ""]
)
def test_after_signing_in_nobody_is_sent_to_another_site(wanted):
    assert local_path(wanted) == "/"


@given(st.text("/\\.:@?#evil \t\n\x00", max_size=12))
def test_after_signing_in_one_is_on_this_site_whatever_was_asked_for(wanted: str):
    # As browsers read it: a backslash is a slash, tabs and line ends are dropped.
    read = re.sub(r"[\t\r\n]", "", local_path(wanted)).replace("\\", "/")
    assert urlsplit(urljoin("https://here.example/sign-in", read)).netloc == "here.example"


def test_after_signing_in_one_is_where_one_wanted_to_be():
    assert local_path("/assets/ast_1") == "/assets/ast_1"


def test_a_chosen_length_is_a_range_of_durations():
    filters = SearchForm.read({"length": "60-180", "q": "iron"}).filters(50, None)
    assert (filters.duration_min, filters.duration_max, filters.q) == (60, 180, "iron")
    assert SearchForm.read({"length": "300-"}).filters(50, None).duration_max is None


def test_a_tempo_range_that_holds_nothing_is_refused():
    with pytest.raises(ValidationError):
        SearchForm.read({"tempo_min": "140", "tempo_max": "90"}).filters(50, None)


def test_a_form_token_looks_different_in_every_answer_and_is_still_known():
    caller = Caller("acc_1", "wsp_1", session_id="ses_1", csrf_token="the session's own token")
    first, second = form_token.masked(caller.csrf_token), form_token.masked(caller.csrf_token)
    assert first != second
    form_token.check(caller, first)
    form_token.check(caller, second)


@pytest.mark.parametrize("sent", ["", "AAAA", "no base64 at all!", "the session's own token"])
def test_a_wrong_form_token_is_refused(sent):
    caller = Caller("acc_1", "wsp_1", session_id="ses_1", csrf_token="the session's own token")
    with pytest.raises(FormTokenMismatch):
        form_token.check(caller, sent)


def test_a_static_file_has_an_address_that_changes_with_any_file(tmp_path):
    (tmp_path / "a.js").write_text("import './b.js'")
    (tmp_path / "b.js").write_text("1")
    before = StaticFiles(tmp_path).url("a.js")
    (tmp_path / "b.js").write_text("2")
    assert StaticFiles(tmp_path).url("a.js") != before


def test_the_vendored_files_are_what_their_manifest_says():
    assert vendor_assets.check()
