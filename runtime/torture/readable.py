"""The whole log in its newest form, personal values decrypted: JSON Lines for `checks.py`.

A process of its own, so that no setting of the caller's environment points it anywhere else.
"""

from __future__ import annotations

import json
import sys

from runtime.composition import open_core
from runtime.settings import load_settings

PAGE = 2_000


def main() -> None:
    with open_core(load_settings(), connections=2) as core:
        for page in core.log.events.walk(page=PAGE):
            for envelope in page:
                recorded = core.codec.decode(envelope)
                line = {
                    "position": envelope.position,
                    "stream_id": envelope.stream_id,
                    "stream_version": envelope.stream_version,
                    "type": envelope.type,
                    "tenant": envelope.tenant,
                    "command_id": envelope.command_id,
                    "causation_id": envelope.causation_id,
                    "data": recorded.data.model_dump(mode="json") if recorded else {},
                }
                sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
