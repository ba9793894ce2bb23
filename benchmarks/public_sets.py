"""The known answers of the public sets, from packages that are unpacked already.

`python -m benchmarks.public_sets FOLDER OUT.csv`. FOLDER holds, unpacked with `dpkg-deb -x` or
`unzip`: the Debian packages fretsonfire-songs-muldjord and fretsonfire-songs-sectoid, and the
Python wheel immich-memories-music. Songs in two stems are mixed into FOLDER/mixed.
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

import av
import numpy as np

from runtime.demo_music.files import encode

_LINE = re.compile(r"\s+((\w+?)_\S+\.opus)\s+(\d+) bpm\s+(\S+ (?:major|minor))")


def main() -> None:
    folder, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    rows = [*_frets_on_fire(folder), *_immich(folder)]
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "tempo_bpm", "key"))
        writer.writerows((path.relative_to(folder), bpm, key) for path, bpm, key in rows)
    print(f"{len(rows)} tracks")


def _frets_on_fire(folder: Path) -> list[tuple[Path, float, str]]:
    mixed = folder / "mixed"
    mixed.mkdir(exist_ok=True)
    rows = []
    for notes in sorted(folder.rglob("notes.mid")):
        path = mixed / f"{notes.parent.name.replace(' ', '_')}.flac"
        if not path.exists():
            stems = [_stereo(notes.parent / name) for name in ("song.ogg", "guitar.ogg")]
            length = min(map(len, stems))
            encode(path, np.clip(0.7 * sum(stem[:length] for stem in stems), -1, 1))
        rows.append((path, _tempo_bpm(notes.read_bytes()), ""))
    return rows


def _tempo_bpm(midi: bytes) -> float:
    """Reads the first set-tempo event; these songs have one."""
    at = midi.index(b"\xff\x51\x03") + 3
    return round(60e6 / int.from_bytes(midi[at : at + 3], "big"), 2)


def _stereo(path: Path) -> np.ndarray:
    resampler = av.AudioResampler("fltp", "stereo", 44_100)
    with av.open(path) as container:
        frames = [
            resampled.to_ndarray()
            for frame in container.decode(audio=0)
            for resampled in resampler.resample(frame)
        ]
    return np.asarray(np.concatenate(frames, axis=1).T)


def _immich(folder: Path) -> list[tuple[Path, float, str]]:
    """LICENSE-MUSIC of the wheel states tempo and key of the prompt of each track."""
    licences = sorted(folder.rglob("LICENSE-MUSIC*"))
    found = [_LINE.match(line) for path in licences for line in path.read_text().splitlines()]
    tracks = {path.name: path for path in folder.rglob("*.opus")}
    return [(tracks[one[1]], float(one[3]), one[4]) for one in found if one]


if __name__ == "__main__":
    main()
