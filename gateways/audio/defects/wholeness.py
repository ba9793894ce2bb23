"""Rules about the file itself: is all of it there, and can all of it be played?"""

from __future__ import annotations

from collections.abc import Iterator

from gateways.audio.defects.finding import finding
from gateways.audio.defects.heard import Measured
from schemas.report import Finding


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
            deduction=20.0,
        )
    elif heard.damaged_packets:
        count = heard.damaged_packets
        yield finding(
            "damaged",
            f"{count} packet{'s' if count > 1 else ''} of the file cannot be played",
            "Upload it again from where it was made: this copy is damaged, and what could not be "
            "played was left out of all that was measured.",
            "packets that the decoder refuses",
            value=count,
            unit="packets",
            limit=0,
            deduction=min(15.0, 3.0 + count),
        )
