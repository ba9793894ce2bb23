"""How recordings sound, as numbers that can be compared."""

from __future__ import annotations

import base64
import binascii
from array import array
from typing import Any

from events.envelope import Recorded
from events.vault.analysis import AnalysisCompleted
from events.vault.asset import AssetDeleted, AssetUploaded
from events.vault.audio import Fingerprint, Measurement, Vector
from projections.projection import Holds, Projection, Rows
from schemas.audio.fingerprint import ALGORITHM, BadFingerprint, index_terms, read_words

SOUND_DIMENSIONS, WORDS_DIMENSIONS = 256, 384


class Sounds(
    Projection,
    name="sounds",
    version=1,
    categories=("asset", "analysis"),
    holds=Holds.NOTHING_PERSONAL,
):
    """One row per asset. Read by the vault's search, and by what is similar or related to an asset.

    The vectors come from the event, so a rebuild makes the same bytes.
    """

    def fold(self, rows: Rows, event: Recorded) -> None:
        match event.data:
            case AssetUploaded() as uploaded:
                rows.upsert(uploaded.asset_id, workspace_id=uploaded.workspace_id)
            case AssetDeleted() as deleted:
                rows.upsert(deleted.asset_id, workspace_id=None)
            case AnalysisCompleted() as completed:
                rows.upsert(completed.asset_id, **_heard(completed.measurement))


def _heard(found: Measurement) -> dict[str, Any]:
    sound = components(found.sound, SOUND_DIMENSIONS)
    words = components(found.words, WORDS_DIMENSIONS)
    fingerprint = found.fingerprint
    return {
        "sound_model": found.sound.model if found.sound and sound else None,
        "sound": sound,
        "words_model": found.words.model if found.words and words else None,
        "words": words,
        "fingerprint_algorithm": fingerprint and fingerprint.algorithm,
        "fingerprint": fingerprint and fingerprint.data,
        "terms": _terms(fingerprint),
    }


def _terms(fingerprint: Fingerprint | None) -> list[int] | None:
    if fingerprint is None or fingerprint.algorithm != ALGORITHM:
        return None
    try:
        return index_terms(read_words(fingerprint.data))
    except BadFingerprint:
        return None


def components(vector: Vector | None, dimensions: int) -> str | None:
    """Writes the vector as pgvector reads it; None if it is missing, of another space or silent."""
    if vector is None:
        return None
    try:
        numbers = array("b", base64.b64decode(vector.data, validate=True)).tolist()
    except binascii.Error:
        return None
    if len(numbers) != dimensions or not any(numbers):
        return None
    return f"[{','.join(map(str, numbers))}]"
