"""What crosses the child's border is bounded text and numbers, whatever the file said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateways.audio.facts import MAX_TEXT_LENGTH, Accepted, AudioFacts, Cover, FileTags, Probe


@given(st.text(max_size=1200))
def test_a_text_is_one_clean_line_of_at_most_500_characters(text: str) -> None:
    title = FileTags(title=text).title
    if title is not None:
        assert 0 < len(title) <= MAX_TEXT_LENGTH
        assert title == title.strip()
        assert not any(ord(letter) < 32 or letter in "\x7f\u202e\u2066" for letter in title)


def test_a_text_of_control_characters_only_is_no_text() -> None:
    assert FileTags(title="\x00\x01 \n").title is None


@pytest.mark.parametrize(
    "wrong", [{"key": "Bb minor"}, {"isrc": "no"}, {"year": 99}, {"tempo_bpm": float("nan")}]
)
def test_a_child_cannot_hand_over_a_senseless_tag(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FileTags(**wrong)


def test_a_probe_survives_the_way_through_json() -> None:
    audio = AudioFacts(duration_s=1.5, sample_rate_hz=44100, channels=2, codec="flac")
    cover = Cover(media_type="image/png", data=bytes(range(256)))
    probe = Accepted(audio=audio, playable=True, tags=FileTags(title="Übung"), cover=cover)
    assert TypeAdapter(Probe).validate_json(probe.model_dump_json()) == probe
