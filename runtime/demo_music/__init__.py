"""Music for the demo and the tests, synthesised here: nobody else's rights, and known answers.
`compose` makes one track's samples from its spec, `render` writes a folder of tagged files.
Start at `tracks.py` (the tracks), then `styles.py` (how a genre plays)."""

from runtime.demo_music.composer import compose
from runtime.demo_music.files import TrackTruth, render
from runtime.demo_music.instruments import SAMPLE_RATE_HZ
from runtime.demo_music.tracks import TrackSpec, catalogue

__all__ = ["SAMPLE_RATE_HZ", "TrackSpec", "TrackTruth", "catalogue", "compose", "render"]
