"""Events in plain words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.dto import EventDto
from schemas.vault.analyses import FiguresDto, ReanalysisDto
from web import looks
from web.pages.vault.words import ended, figure_name, figure_said, happening


def event(kind: str, data: dict, actor: str | None = None) -> EventDto:
    return EventDto(
        position=7,
        event_id="evt_1",
        stream_id="ast_1",
        stream_version=1,
        category=kind.partition(".")[0],
        type=kind,
        version=1,
        recorded_at="2026-11-22T14:00:00.000000Z",
        effective_at="2026-11-22T14:00:00.000000Z",
        actor=actor,
        tenant="wsp_1",
        correlation_id="cor_1",
        causation_id=None,
        command_id="cmd_1",
        hash="00",
        data=data,
    )


def test_an_upload_is_told_with_its_name_and_size():
    told = happening(
        event("asset.uploaded", {"filename": "a.wav", "size_bytes": 2_000_000}, "acc_1"), "acc_1"
    )
    assert told is not None
    assert (told.what, told.detail, told.by) == ("Uploaded", "a.wav, 2.0 MB", "you")


def test_edited_and_cleared_tags_are_named():
    data = {"changed": ["genre", "tempo_bpm"], "tags": {"genre": "Dub", "tempo_bpm": None}}
    told = happening(event("asset.tags_edited", data, "acc_2"), "acc_1")
    assert told is not None
    assert told.detail == "Genre is now Dub, tempo cleared"
    assert told.by == "a member"


def test_no_tag_is_told_by_its_name_in_the_code_and_lists_are_told_as_lists():
    data = {
        "changed": ["album_artist", "instruments"],
        "tags": {"album_artist": "Mara Okonjo", "instruments": ["kora", "drums"]},
    }
    told = happening(event("asset.tags_edited", data), "acc_1")
    assert told is not None
    assert told.detail == "Album artist is now Mara Okonjo, instruments is now kora, drums"


@pytest.mark.parametrize(
    "reason", ["KeyError", "[Errno 2] No such file: '/tmp/x/y'", "x_y is None"]
)
def test_a_reason_for_programmers_is_not_told(reason: str):
    told = happening(event("analysis.attempt_failed", {"reason": reason}), "acc_1")
    assert told is not None
    assert (told.what, told.detail) == ("An analysis failed", "")


def test_an_event_that_is_added_later_is_told_in_words():
    told = happening(event("asset.moved_to_folder", {}), "acc_1")
    assert told is not None
    assert told.what == "Track moved to folder"


def test_figures_and_defects_of_two_runs_are_words():
    names = [figure_name(name) for name in FiguresDto.model_fields]
    assert not any("_" in name for name in names)
    assert figure_said(["dc-offset", "clipping"], "defects") == "dc offset, clipping"
    assert figure_said([], "moods") == figure_said(None, "genre") == "–"
    assert figure_said(-14.25, "loudness_lufs") == "−14.25"


def test_a_rejection_gives_its_reason():
    told = happening(event("asset.rejected", {"reason": "There is no sound in it"}), "acc_1")
    assert told is not None
    assert (told.mood, told.detail, told.by) == ("bad", "There is no sound in it", "NoCulture")


def test_inner_steps_are_not_told():
    assert happening(event("ingest.stepped", {}), "acc_1") is None


def test_a_later_run_is_told_as_such_and_not_by_the_attempts_of_all_runs():
    told = []
    for reanalysis_id in (None, "rea_1"):
        data = {"attempt": 4, "run": 2, "reanalysis_id": reanalysis_id}
        said = happening(event("analysis.requested", data), "acc_1")
        assert said is not None
        told.append((said.what, said.detail))
    assert told == [("Re-analysing", ""), ("Re-analysing", "With many others")]
    first = happening(event("analysis.requested", {"attempt": 2, "run": 1}), "acc_1")
    assert first is not None
    assert (first.what, first.detail) == ("Analysing", "Attempt 2")


def test_measuring_a_vault_again_is_told_by_its_beginning_and_its_end():
    begun = happening(event("reanalysis.requested", {"total": 1200}, "acc_1"), "acc_1")
    assert begun is not None
    assert (begun.what, begun.detail, begun.by) == (
        "Re-analysing tracks",
        "1,200 in all",
        "you",
    )
    counts = {"measured": 1197, "failed": 1, "passed_over": 2}
    over = happening(event("reanalysis.completed", counts), "acc_1")
    assert over is not None
    assert over.detail == "1,197 done, 1 failed, 2 left out"
    for inner in ("listed", "batch_started"):
        assert happening(event(f"reanalysis.{inner}", {}), "acc_1") is None


def test_an_event_that_is_not_known_yet_is_told_by_its_name():
    told = happening(event("release.sent_out", {}), "acc_1")
    assert told is not None
    assert told.what == "Release sent out"


def test_a_copy_made_for_the_browser_is_told():
    audio = {"duration_s": 61.0, "sample_rate_hz": 44_100}
    copy = {"sha256": "0" * 64, "size_bytes": 9, "media_type": "audio/mpeg"}
    details = []
    for rendition in (None, copy):
        told = happening(event("asset.verified", {"audio": audio, "rendition": rendition}), "acc_1")
        assert told is not None
        details.append(told.detail)
    plain = "The whole file plays: 1:01, 44.1 kHz"
    assert details == [plain, plain + ", with an MP3 beside it for the browser"]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"total": 0}, "There was no track to re-analyse."),
        ({"total": 1, "measured": 1}, "1 of 1 track re-analysed."),
        (
            {"total": 9, "measured": 6, "failed": 2, "passed_over": 1},
            "6 of 9 tracks re-analysed. 2 failed and keep their earlier analysis."
            " 1 skipped: deleted, or analysed anyway.",
        ),
        (
            {"state": "cancelled", "total": 9, "done": 4, "measured": 4},
            "Stopped after 4 of 9 tracks.",
        ),
    ],
)
def test_how_a_vault_was_measured_again_is_told_with_its_numbers(found: dict, told: str):
    known = {"state": "completed", "done": 0, "measured": 0, "failed": 0, "passed_over": 0}
    again = ReanalysisDto(
        id="rea_1", started_at=datetime(2026, 11, 22, tzinfo=UTC), **(known | found)
    )
    assert ended(again) == told


def test_a_large_figure_is_written_out():
    """Regression: a bandwidth of 16 kHz was `1.6e+04`."""
    said = [looks.figure(number) for number in (16_000.0, 44_100, 999.96, 14, -0.3, 0.0042)]
    assert said == ["16,000", "44,100", "1000", "14", "\u22120.3", "0.0042"]
