"""Tempo, beats and bars: own onsets and beats; a library is asked for the octave of the tempo.
`rhythm` is the way in; start at `measure.py`, then `choice.py`.
Runs in the limited child only."""

from gateways.audio.rhythm.estimators import AnalyserChoice
from gateways.audio.rhythm.measure import Rhythm, rhythm

__all__ = ["AnalyserChoice", "Rhythm", "rhythm"]
