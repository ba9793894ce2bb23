"""Rules about the file itself: is all of it there, can it be played, has it two channels?"""

from __future__ import annotations

from collections.abc import Iterator

from gateways.audio.defects.finding import finding
from gateways.audio.defects.heard import Measured
from schemas.audio.report import Finding


def wholeness(heard: Measured) -> Iterator[Finding]:
    if heard.missing_s > 0:
        yield finding(
            "truncated",
            f"{heard.missing_s:.1f} s are missing that the file's header promises",
            "Upload it again from where it was made: this copy was cut off or damaged on its way.",
            "length stated by the header less what could be decoded",
            value=heard.missing_s,
            unit="s",
            limit=0,
            deduction=20.0 if heard.missing_s > 1 else 10.0,
        )
    elif heard.damaged_packets:
        count = heard.damaged_packets
        yield finding(
            "damaged",
            f"{count} packet{'s' if count > 1 else ''} of the file cannot be played",
            "Upload it again from where it was made: this copy is damaged, and the figures here "
            "leave out the parts that cannot be played.",
            "packets that the decoder refuses",
            value=count,
            unit="packets",
            limit=0,
            deduction=3.0 + 12.0 * min(1.0, 100 * count / heard.packets),
        )


def surround(heard: Measured) -> Iterator[Finding]:
    if not heard.is_downmix:
        return
    yield finding(
        "surround",
        f"The file has {heard.channels} channels; we listened to a stereo downmix",
        "Upload a stereo mix beside it: stores and most players play two channels. Loudness and "
        "true peak count all channels; the rules of stores for stereo are not checked.",
        "the file's header",
        value=heard.channels,
        unit="channels",
        limit=2,
    )
