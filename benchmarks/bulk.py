"""Many events into the log in big groups: how an import, a restore or a fixture writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from events.store.pending import Append, Committed
from events.store.postgres import Connection, append_encoded
from events.store.wire import EncodedAppend, encode


def append_all(connection: Connection, groups: Iterable[Sequence[Append]]) -> int:
    """Each group is one transaction; the next one is encoded while it commits. Answers events."""
    appended = 0
    with ThreadPoolExecutor(1) as committer:
        committing = None
        for group in groups:
            encoded = [encode(append) for append in group]
            if committing is not None:
                appended += committing.result()
            committing = committer.submit(_commit, connection, encoded)
        if committing is not None:
            appended += committing.result()
    return appended


def _commit(connection: Connection, group: Sequence[EncodedAppend]) -> int:
    verdicts = append_encoded(connection, group)
    assert all(isinstance(verdict, Committed) for verdict in verdicts), verdicts
    return sum(len(encoded.events) for encoded in group)
