"""What becomes of text that comes in."""

import unicodedata
from time import process_time
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, SecretStr, TypeAdapter, ValidationError

from schemas.text import NO_ID, Document, Opaque, Ref, Text, Told, refusal, storable, told

LINE = TypeAdapter(Annotated[str, Text(40)])
LINES = TypeAdapter(Annotated[str, Text(40, lines=True)])
OPAQUE = TypeAdapter(Annotated[SecretStr, Opaque(40, min=8)])
DOCUMENT = TypeAdapter(Annotated[dict[str, JsonValue], Document(100)])
ANY = st.text(st.characters(), max_size=60)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  Night Drive \n", "Night Drive"),
        ("Cafe\u0301", "Café"),
        ("a\tb\r\nc\u2028d", "a b c d"),
        ("\u202egpj\u202c.exe", "gpj.exe"),
        ("\ufeffname\u2066", "name"),
        # A removed character stood between a letter and its accent.
        ("e\u202a\u0301", "é"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🎤", "👩\u200d🎤"),
        ("שלום\u200f!", "שלום\u200f!"),
        ("x" * 40 + " " * 60, "x" * 40),
    ],
    ids=ascii,
)
def test_a_line_is_cleaned(sent: str, kept: str):
    assert LINE.validate_python(sent) == kept


def test_lines_stay_lines():
    assert LINES.validate_python(" a\r\nb\rc\td\x85e\n") == "a\nb\nc\td\ne"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("a\x00b", "text_character"),
        ("\x1b[2J", "text_character"),
        ("a\x7fb", "text_character"),
        ("a\x9bb", "text_character"),
        ("\ud800", "text_character"),
        ("\udcff.wav", "text_character"),
        ("", "string_too_short"),
        (" \n", "string_too_short"),
        ("\u200d\u202e\u3164\u2800", "string_too_short"),
        ("x" * 41, "string_too_long"),
        ("x" * 1_000_000, "string_too_long"),
        (7, "string_type"),
        (None, "string_type"),
    ],
    ids=lambda each: ascii(each)[:20],
)
def test_a_line_that_cannot_be_kept_is_refused(sent: Any, code: str):
    with pytest.raises(ValidationError) as refused:
        LINE.validate_python(sent)
    assert [found["type"] for found in refused.value.errors()] == [code]


def test_a_refusal_says_which_character_it_is():
    with pytest.raises(ValidationError) as refused:
        LINE.validate_python("a\x00b")
    assert refusal(refused.value) == (
        "There is a character in it that cannot be kept (U+0000): take it out."
    )
    with pytest.raises(ValidationError) as refused:
        LINE.validate_python("")
    assert refusal(refused.value) is None


@given(ANY)
def test_what_is_kept_is_clean_and_stays_as_it_is(sent: str):
    try:
        kept = LINES.validate_python(sent)
    except ValidationError:
        return
    assert kept.encode().decode() == kept
    assert unicodedata.is_normalized("NFC", kept)
    assert not [c for c in kept if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    assert not [c for c in kept if unicodedata.bidirectional(c) in ("LRO", "RLO", "LRE", "RLE")]
    assert 0 < len(kept) <= 40
    assert kept == kept.strip() == LINES.validate_python(kept)


def test_a_long_run_of_marks_is_refused_before_it_is_put_in_order():
    """100,000 of them would take seconds."""
    began_s = process_time()
    with pytest.raises(ValidationError):
        LINE.validate_python("\u0323\u0301" * 50_000)
    assert process_time() - began_s < 0.1


def test_a_password_is_kept_as_it_is():
    sent = "  e\u0301\t\u202e  \x01  "
    assert OPAQUE.validate_python(sent).get_secret_value() == sent


@pytest.mark.parametrize(
    "sent", ["short", "x" * 41, "long enough\x00", "long enough\ud800"], ids=ascii
)
def test_a_password_that_cannot_be_kept_is_refused(sent: str):
    with pytest.raises(ValidationError):
        OPAQUE.validate_python(sent)


@pytest.mark.parametrize("sent", ["ast_\x00", "\ud800", "é", "x" * 300, "ast_\n"], ids=ascii)
def test_what_cannot_be_an_id_names_nothing(sent: str):
    assert TypeAdapter(Ref).validate_python(sent) == NO_ID


def test_an_id_is_kept():
    assert TypeAdapter(Ref).validate_python("ast_" + "0" * 32) == "ast_" + "0" * 32


@pytest.mark.parametrize(
    "sent", [{"a": ["\x00"]}, {"a": {"\ud800": 1}}, {"a": {"b": "x" * 100}}], ids=ascii
)
def test_a_document_with_such_a_text_is_refused(sent: dict[str, JsonValue]):
    with pytest.raises(ValidationError):
        DOCUMENT.validate_python(sent)


def test_a_document_is_kept_as_it_is():
    sent: dict[str, JsonValue] = {"id": "e\u0301 ", "response": {"flags": [1, None, True]}}
    assert DOCUMENT.validate_python(sent) == sent


@given(ANY)
def test_what_a_program_says_is_never_refused(sent: str):
    kept = TypeAdapter(Annotated[str, Told(20)]).validate_python(sent)
    assert kept == told(sent, 20)
    assert len(kept) <= 20
    assert kept.encode().isascii() or "\x00" not in kept
    assert kept.isprintable() or not any(unicodedata.category(c) == "Cc" for c in kept)


@given(
    st.recursive(ANY | st.integers() | st.none(), lambda j: st.lists(j) | st.dictionaries(ANY, j))
)
def test_what_is_storable_is_left_alone(value: Any):
    made = storable(value)
    assert storable(made) == made
    assert "\x00" not in str(made)
    if isinstance(value, str) and "\x00" not in value and value.isascii():
        assert made == value
