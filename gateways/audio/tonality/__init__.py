"""Key, tuning and chords, all from the pitches of one spectrum and without a library.
`tonality` is the way in; start at `pitches.py`, then `key.py`.
Runs in the limited child only."""

from gateways.audio.tonality.measure import Tonality, tonality
from gateways.audio.tonality.pitches import Pitches, pitches

__all__ = ["Pitches", "Tonality", "pitches", "tonality"]
