"""The stores' loudness normalisation, and what it does to a recording."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.audio.report import StoreLevel

# How far a store lifts a quiet recording: not at all, or until its peaks reach -1 dBTP.
CEILING_DBTP = -1.0


@dataclass(frozen=True)
class Store:
    """As each store's help pages for artists say (2026): the target in LUFS, and does it lift."""

    name: str
    target_lufs: float
    lifts: bool


STORES = (
    Store("Spotify", -14.0, True),
    Store("Apple Music", -16.0, True),
    Store("YouTube", -14.0, False),
    Store("Tidal", -14.0, False),
    Store("Amazon Music", -14.0, False),
    Store("Deezer", -15.0, False),
)


def gain_db(store: Store, lufs: float, true_peak_dbtp: float) -> float:
    """The gain in dB that the store adds to the level; below 0 it turns the recording down."""
    wanted = store.target_lufs - lufs
    if wanted <= 0:
        return wanted
    return max(0.0, min(wanted, CEILING_DBTP - true_peak_dbtp)) if store.lifts else 0.0


def store_levels(lufs: float, true_peak_dbtp: float) -> list[StoreLevel]:
    gains = {store: gain_db(store, lufs, true_peak_dbtp) for store in STORES}
    return [
        StoreLevel(
            name=store.name,
            target_lufs=store.target_lufs,
            gain_db=round(gain, 1),
            plays_at_lufs=round(lufs + gain, 1),
        )
        for store, gain in gains.items()
    ]
