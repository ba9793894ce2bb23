"""Makes `../weights/sound-axes.npz`: mean and spread of musicnn's pooled features over much music.

    python -m gateways.audio.neural.conversion.axes FOLDER OUT.npz

FOLDER held the music of five freely licensed packages, 105 recordings, of each the first minute:
wesnoth-1.16-music, singularity-music, hyperrogue-music, planetblupi-music-ogg (Debian) and
immich-memories-music (PyPI).
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from gateways.audio.decode import Blocks, Decoder, Refusal
from gateways.audio.neural.mel import at_usual_level
from gateways.audio.neural.musicnn import Tagger
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound

_SUFFIXES = {".ogg", ".opus", ".mp3", ".flac"}
_HEARD_S, _LEAST_S = 60, 20
_LEAST_SPREAD = 0.1


def axes(pooled: np.ndarray) -> dict[str, np.ndarray]:
    """Takes features (recordings, 1506) and gives their `mean` and `spread`, each (1506,)."""
    # Half of the features are dead (spread below 1e-4, of the others 3 in the middle): this keeps
    # their rounding noise from being blown up to full size.
    spread = np.maximum(pooled.std(axis=0), _LEAST_SPREAD)
    return {"mean": pooled.mean(axis=0), "spread": spread}


def _first_minute(path: Path) -> np.ndarray:
    parts, count = [], 0
    with path.open("rb") as file:
        decoder = Decoder(file)
        for block in Blocks(decoder, SAMPLE_RATE_HZ):
            parts.append(block.mean(axis=1))
            count += len(block)
            if count >= _HEARD_S * SAMPLE_RATE_HZ:
                break
        decoder.close()
    return np.concatenate(parts).astype(np.float32)


def _measure(folder: Path) -> np.ndarray:
    tagger, rows = Tagger(), []
    for path in sorted(one for one in folder.rglob("*") if one.suffix in _SUFFIXES):
        with suppress(Refusal):  # some of hyperrogue's are more than we take
            mono = _first_minute(path)
            if len(mono) >= _LEAST_S * SAMPLE_RATE_HZ:
                samples = at_usual_level(Sound(mono - mono.mean()).at_16000)
                rows.append(tagger.tag(samples).pooled)
                print(len(rows), path.name)
    return np.stack(rows)


if __name__ == "__main__":
    made = axes(_measure(Path(sys.argv[1])))
    np.savez_compressed(sys.argv[2], mean=made["mean"], spread=made["spread"])
