"""How much each channel counts in the loudness of more than two (ITU-R BS.1770-4, tables 3 and 4).

Channels have libavformat's names, in the order in which they are decoded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SURROUND_WEIGHT = 1.41
_LOW_FREQUENCIES = ("LFE", "LFE2")
# Channels between 60 and 120 degrees to either side count as beside the listener. Those called back
# stand at 110 degrees unless there are side channels as well.
_BESIDE = ("SL", "SR", "WL", "WR", "SDL", "SDR")
_BACK = ("BL", "BR")
# What a file that names no places means, by the number of its channels.
_USUAL = {
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}


def weights_of(places: Sequence[str]) -> np.ndarray:
    """One for each channel (n,): 0 for low frequency effects, 1.41 beside the listener, else 1."""
    if len(places) <= 2:
        return np.ones(len(places))
    known = places if any(place in _BESIDE + _BACK + ("FL", "FC") for place in places) else ()
    names = known or _USUAL.get(len(places), tuple(places))
    beside = _BESIDE if any(name in ("SL", "SR") for name in names) else _BESIDE + _BACK
    return np.array(
        [
            0.0 if name in _LOW_FREQUENCIES else SURROUND_WEIGHT if name in beside else 1.0
            for name in names
        ]
    )
