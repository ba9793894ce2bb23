"""The vault's fold, as sentences."""

from __future__ import annotations

from events.vault.analysis import AnalysisAttemptFailed
from events.vault.asset import AssetProbeRequested, AssetRejected
from events.vault.audio import Blob
from projections.vault.vault import Vault
from tests.specification import START, projection
from tests.unit.vault.one_asset import (
    ANALYSIS,
    ASSET,
    SHA,
    WORKSPACE,
    completed,
    deleted,
    edited,
    failed,
    requested,
    rewritten,
    uploaded,
    verified,
)


def test_an_upload_is_in_the_vault_at_once():
    projection(Vault()).given(uploaded).then_rows(
        {
            ASSET: {
                "workspace_id": WORKSPACE,
                "version": 1,
                "file_state": "uploaded",
                "uploaded_at": START.replace(second=1),
                "filename": "Night Drive.flac",
                "sha256": SHA,
                "size_bytes": 1000,
            }
        }
    )


def test_a_verified_file_shows_its_tags_its_sound_and_its_cover():
    projection(Vault()).given(uploaded, verified).then_row(
        ASSET,
        version=2,
        file_state="verified",
        tag_title="Night Drive",
        tag_genre="House",
        tag_tempo_bpm=124.0,
        tag_key=None,
        duration_s=30.5,
        codec="flac",
        file_cover_sha256="c" * 64,
        file_cover_media_type="image/png",
    )


def test_a_rendition_is_where_the_player_finds_it():
    copy = Blob(sha256="d" * 64, size_bytes=9, media_type="audio/mpeg")
    rendered = verified.model_copy(update={"playable": False, "rendition": copy})
    projection(Vault()).given(uploaded, rendered).then_row(
        ASSET,
        sha256=SHA,
        playable=False,
        rendition_sha256="d" * 64,
        rendition_size_bytes=9,
        rendition_media_type="audio/mpeg",
    )


def test_an_asset_verified_before_anybody_looked_has_neither():
    projection(Vault()).given(uploaded, verified).then_row(
        ASSET, playable=None, rendition_sha256=None
    )


def test_a_rejected_file_says_why():
    rejected = AssetRejected(
        asset_id=ASSET, workspace_id=WORKSPACE, code="not-audio", reason="No sound in it"
    )
    projection(Vault()).given(uploaded, rejected).then_row(
        ASSET, file_state="rejected", rejection_code="not-audio", rejection_reason="No sound in it"
    )


def test_every_event_of_the_assets_own_stream_moves_its_version_and_no_other_does():
    probed = AssetProbeRequested(asset_id=ASSET, workspace_id=WORKSPACE, sha256=SHA, attempt=2)
    projection(Vault()).given(
        uploaded, probed, verified, requested, completed, edited(title="Dawn")
    ).then_row(ASSET, version=4)


def test_what_the_musician_says_replaces_only_the_tags_it_names():
    projection(Vault()).given(uploaded, verified, edited(title="Dawn")).then_row(
        ASSET, tag_title="Dawn", tag_genre="House", tag_tempo_bpm=124.0
    )


def test_a_cleared_tag_is_said_by_nobody():
    projection(Vault()).given(uploaded, verified, edited(tempo_bpm=None)).then_row(
        ASSET, tag_tempo_bpm=None, tag_title="Night Drive"
    )


def test_a_measurement_never_touches_what_is_said():
    projection(Vault()).given(uploaded, verified, requested, completed).then_row(
        ASSET,
        tag_tempo_bpm=124.0,
        measured_tempo_bpm=123.9,
        measured_key="A minor",
        tempo_candidates=[{"bpm": 123.9, "confidence": 0.8}],
        analysis_state="completed",
        peaks_sha256="b" * 64,
    )


def test_only_the_last_failure_ends_an_analysis():
    attempt_failed = AnalysisAttemptFailed(
        analysis_id=ANALYSIS,
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        attempt=1,
        code="crashed",
        reason="It crashed",
    )
    view = projection(Vault())
    view.given(uploaded, verified, requested, attempt_failed).then_row(
        ASSET, analysis_state="requested", analysis_error_code=None
    )
    view.given(uploaded, verified, requested, attempt_failed, failed).then_row(
        ASSET, analysis_state="failed", analysis_error_code="timeout"
    )


def test_an_analysis_that_is_asked_for_again_forgets_its_failure():
    projection(Vault()).given(uploaded, verified, requested, failed, requested, completed).then_row(
        ASSET, analysis_state="completed", analysis_error_code=None, analysis_error_reason=None
    )


def test_a_deleted_asset_leaves_nothing_of_its_own_behind():
    view = projection(Vault()).given(
        uploaded, verified, requested, edited(title="Dawn"), completed, deleted
    )
    row = view.rows()[ASSET]
    kept = {name for name, value in row.items() if value is not None}
    of_the_analysis = {
        name for name, value in _row_of(requested, completed).items() if value is not None
    }
    assert kept <= of_the_analysis | {"version"}


def test_measurements_that_come_first_make_a_row_that_belongs_to_nobody():
    row = _row_of(requested, completed)
    assert row.get("workspace_id") is None


def test_asset_and_analysis_may_arrive_in_any_interleaving():
    projection(Vault()).given(
        uploaded,
        verified,
        requested,
        edited(title="Dawn", key="C major"),
        failed,
        edited(tempo_bpm=None),
        requested,
        completed,
        deleted,
    ).in_any_interleaving()


def _row_of(*events) -> dict[str, object]:
    return projection(Vault()).given(*events).rows()[ASSET]


def test_a_rewritten_file_is_shown_and_the_original_is_found_beside_it():
    projection(Vault()).given(uploaded, verified, rewritten).then_row(
        ASSET,
        sha256="b" * 64,
        size_bytes=1100,
        original_sha256=SHA,
        original_size_bytes=1000,
        file_tags={"title": "Night Drive II", "genre": "House", "tempo_bpm": 124.0},
    )


def test_a_later_run_that_fails_leaves_what_was_measured():
    again = requested.model_copy(update={"run": 2, "attempt": 2})
    given_up = failed.model_copy(update={"run": 2})
    projection(Vault()).given(uploaded, verified, requested, completed, again, given_up).then_row(
        ASSET,
        analysis_state="completed",
        analysis_run=1,
        analysis_asked=2,
        analysis_failed=2,
        analysis_error_code=failed.code,
        measured_tempo_bpm=completed.measurement.tempo_bpm,
    )


def test_what_the_musician_says_is_told_from_what_the_file_says():
    past = projection(Vault())
    past.given(uploaded, verified, edited(tempo_bpm=124.0)).then_row(ASSET, own_tempo_bpm=True)
    past.given(uploaded, verified, edited(tempo_bpm=99.0), edited(tempo_bpm=None)).then_row(
        ASSET, own_tempo_bpm=False
    )


def test_why_a_picture_of_the_file_is_no_cover_is_kept_beside_the_pictures():
    note = "The picture in the file has 60,000 by 60,000 pixels."
    told = verified.model_copy(update={"cover": None, "cover_note": note})
    projection(Vault()).given(uploaded, told).then_row(ASSET, pictures=[{"left_out": note}])


def test_what_the_name_says_stands_beside_what_the_tags_say():
    named = uploaded.model_copy(update={"filename": "03 - Ona - Night_Bus (120bpm Am).wav"})
    read = {"name_title": "Night Bus", "name_artist": "Ona", "name_tempo_bpm": 120.0}
    seen = projection(Vault()).given(named, verified)
    seen.then_row(ASSET, **read, name_key="A minor", tag_title="Night Drive", tag_tempo_bpm=124.0)
    forgotten = dict.fromkeys((*read, "name_key", "folded_name_title", "sort_name_title"))
    projection(Vault()).given(named, verified, deleted).then_row(ASSET, **forgotten)
