"""musicnn (ISC): 100 tags and a vector for every three seconds, by two networks of one shape.

One was trained on MagnaTagATune (what plays, how it sounds), one on the Million Song Dataset
(genres, moods). The files in `weights/` are checked against their sha256 before they are loaded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from gateways.audio.neural import mel
from gateways.audio.neural.errors import BrokenWeights
from gateways.audio.neural.vocabulary import MSD_TAGS, MTT_TAGS
from schemas.audio.report import UsedModel

WEIGHTS = Path(__file__).parent / "weights"
LICENCE = "ISC"
POOLED = 753

MTT = UsedModel(
    id="musicnn-mtt",
    weights_sha256="8e1dbca8c6f72fbb3b292da3830b376f633830d4674fefb01127b1c4b0681c8d",
    licence=LICENCE,
)
MSD = UsedModel(
    id="musicnn-msd",
    weights_sha256="3c3721a252727994185aa95ce99368ba199d50ec5e96a45ed3b7ec19e49891f1",
    licence=LICENCE,
)

# A figure that comes of both networks names both.
BOTH = {
    "model": f"{MTT.id}, {MSD.id}",
    "weights_sha256": f"{MTT.weights_sha256}, {MSD.weights_sha256}",
}


@dataclass(frozen=True)
class Tags:
    """`mtt`, `msd`: how present each tag is in each patch, 0..1, float32 (patches, 50).

    `pooled`: the strongest response of each of both networks' features over the whole sound, mean
    of the patches, (1506,). A patch is `mel.PATCH_S` long.
    """

    mtt: np.ndarray
    msd: np.ndarray
    pooled: np.ndarray

    def of(self, tag: str) -> np.ndarray:
        """The curve (patches,) of `mtt:NAME` or `msd:NAME`."""
        model, _, name = tag.partition(":")
        if model == "mtt":
            return self.mtt[:, MTT_TAGS.index(name)]
        return self.msd[:, MSD_TAGS.index(name)]

    def mean(self, tag: str) -> float:
        return float(self.of(tag).mean())


class Tagger:
    """Both networks, loaded; opens no file afterwards. One thread each call."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        self._mtt = open_session(folder / f"{MTT.id}.onnx", MTT.weights_sha256)
        self._msd = open_session(folder / f"{MSD.id}.onnx", MSD.weights_sha256)

    def tag(self, samples: np.ndarray) -> Tags:
        """Tags float32 samples (n,), n > 0, at 16 kHz."""
        mtt, msd, pooled = [], [], np.zeros(2 * POOLED)
        for patch in mel.patches(samples):
            mtt_tags, mtt_pooled = self._mtt.run(["tags", "pooled"], {"mel": patch})
            msd_tags, msd_pooled = self._msd.run(["tags", "pooled"], {"mel": patch})
            mtt.append(mtt_tags)
            msd.append(msd_tags)
            pooled[:POOLED] += mtt_pooled[0]
            pooled[POOLED:] += msd_pooled[0]
        tags = np.concatenate(mtt)
        return Tags(tags, np.concatenate(msd), (pooled / len(tags)).astype(np.float32))


def open_session(path: Path, sha256: str | None = None) -> onnxruntime.InferenceSession:
    """An ONNX file on one thread. Raises BrokenWeights (absent, other bytes, no such graph)."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BrokenWeights(path.name, "it cannot be read") from error
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise BrokenWeights(path.name, "its sha256 is not the expected one")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class but this one
        raise BrokenWeights(path.name, "it is no ONNX model that runs here") from error
