"""Short recordings, each different, as many as are wanted, cheap to make and to measure."""

from __future__ import annotations

import io
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

RATE_HZ = 44_100
LENGTH_S = (0.6, 1.3)
# AIFF is what browsers do not play: it takes the way through the rendition. The rest is no music.
SUFFIXES = {"wav": 10, "flac": 5, "aiff": 1, "mp3": 2, "junk": 2}


@dataclass(frozen=True, slots=True)
class Recording:
    filename: str
    data: bytes


def recording(random: Random, name: str) -> Recording:
    """A decaying tone with some noise, named `name`; sometimes bytes that are no audio."""
    suffix = random.choices([*SUFFIXES], weights=[*SUFFIXES.values()])[0]
    if suffix == "junk":
        return Recording(f"{name}.mp3", random.randbytes(3_000))
    samples = _tone(random)
    return Recording(
        f"{name}.{suffix}", _wav(samples) if suffix == "wav" else _coded(samples, suffix)
    )


def _tone(random: Random) -> np.ndarray:
    """Float samples (n,)."""
    noise = np.random.default_rng(random.getrandbits(64))
    t = np.arange(round(random.uniform(*LENGTH_S) * RATE_HZ)) / RATE_HZ
    tone = np.sin(2 * np.pi * random.uniform(110, 880) * t) * np.exp(-t)
    mixed: np.ndarray = 0.5 * tone + 0.02 * noise.standard_normal(len(t))
    return mixed.astype(np.float32)


def _wav(samples: np.ndarray) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return written.getvalue()


def _coded(samples: np.ndarray, suffix: str) -> bytes:
    from runtime.demo_music.files import encode

    with tempfile.TemporaryDirectory(prefix="noculture-torture-") as folder:
        path = Path(folder) / f"recording.{suffix}"
        encode(path, samples)
        return path.read_bytes()
