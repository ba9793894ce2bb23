"""Tempo, beats and bars: own onsets and beats, the tempo chosen among the opinions of several
libraries. `rhythm` is the way in; start at `measure.py`, then `choice.py`.
Runs in the limited child only."""

from gateways.audio.rhythm.estimators import AnalyserChoice
from gateways.audio.rhythm.measure import Rhythm, rhythm

__all__ = ["AnalyserChoice", "Rhythm", "rhythm"]
