"""`import`: every file of some folders into one account's vault, with an answer for each."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from commands.vault.assets import Assets
from events.errors import NoCultureError
from kit.caller import Caller
from read_api.vault.assets import AssetQueries
from runtime.walk import Found, Refusal, Walked, as_text
from schemas.audio.files import NOT_AUDIO
from schemas.vault.dto import AssetDto, UploadedAsset

THREADS = 4
READ_BYTES = 1024 * 1024
POLL_S = 0.2
# Nothing was decided for so long: the worker is down or has very much to do.
PATIENCE_S = 300.0
NO_AUDIO = frozenset(f".{ending}" for ending in NOT_AUDIO)
WAITING = ("uploaded",)
MEASURING = ("uploaded", "verified")


@dataclass(slots=True)
class Imported:
    """Outcome of each file: new, there already, not taken, or not yet looked into.

    `stopped` says why the rest was not tried: our own side failed, not a file.
    """

    imported: int = 0
    already_there: list[str] = field(default_factory=list)
    rejected: list[Refusal] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    stopped: NoCultureError | None = None


class Unreadable(NoCultureError):
    status, code = 422, "unreadable"

    def __init__(self, error: OSError) -> None:
        super().__init__(f"It cannot be read: {error.strerror}.")


class NotAFile(NoCultureError):
    status, code = 422, "not-a-file"

    def __init__(self) -> None:
        super().__init__("It became a device, pipe or socket meanwhile, which holds no recording.")


class FileChanged(NoCultureError):
    status, code = 409, "file-changed"

    def __init__(self) -> None:
        super().__init__("It changed while it was read: import it again when it is finished.")


class StorageFailed(NoCultureError):
    status, code = 507, "storage-failed"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"The installation cannot keep more files: {error.strerror}. Make room for it, then"
            " import again: it goes on where it stopped."
        )


def import_files(
    assets: Assets,
    vault: AssetQueries,
    caller: Caller,
    walked: Walked,
    *,
    analysed: bool = False,
    uploaded: Callable[[int], None] = lambda _: None,
    decided: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Upload all, then wait until each is verified or rejected (and `analysed`, if asked for).

    Running it again resumes: what is in the vault already counts as a duplicate. The callbacks
    get how many files are done.
    """
    answer, until = Imported(rejected=list(walked.refused)), MEASURING if analysed else WAITING
    waiting = _upload_all(assets, caller, walked.files, answer, until, uploaded)
    total, moved_at = len(waiting), time.monotonic()
    while waiting and time.monotonic() - moved_at < PATIENCE_S:
        for asset_id in list(waiting):
            asset = _seen(vault, caller, asset_id)
            if asset is None or asset.state in until:
                continue
            moved_at = time.monotonic()
            for path, result in waiting.pop(asset_id):
                if asset.rejection is not None:
                    refused = asset.rejection
                    answer.rejected.append(Refusal(path, refused.code, refused.reason))
                elif result.duplicate:
                    answer.already_there.append(path)
                else:
                    answer.imported += 1
            decided(total - len(waiting))
        if waiting:
            time.sleep(POLL_S)
    answer.undecided = sorted(path for files in waiting.values() for path, _ in files)
    answer.rejected.sort(key=lambda refusal: refusal.path)
    answer.already_there.sort()
    return answer


# The same bytes may lie in a folder twice: each of the files gets its answer.
_Waiting = dict[str, list[tuple[str, UploadedAsset]]]


def _upload_all(
    assets: Assets,
    caller: Caller,
    files: Sequence[Found],
    answer: Imported,
    until: tuple[str, ...],
    uploaded: Callable[[int], None],
) -> _Waiting:
    """Uploads all files; returns those still to be decided, by asset. `answer` gets the rest."""
    waiting: _Waiting = {}
    with ThreadPoolExecutor(THREADS) as threads:
        results = threads.map(lambda found: _upload(assets, caller, found), files)
        try:
            for number, (found, result) in enumerate(zip(files, results, strict=True), 1):
                uploaded(number)
                path = str(found.file)
                if isinstance(result, Refusal):
                    answer.rejected.append(result)
                elif result.duplicate and result.state not in (*until, "rejected"):
                    answer.already_there.append(path)
                else:
                    waiting.setdefault(result.id, []).append((path, result))
        except NoCultureError as error:
            answer.stopped = error
    return waiting


def _upload(assets: Assets, caller: Caller, found: Found) -> UploadedAsset | Refusal:
    """Raises what is wrong with the installation, and not with this file."""
    path = str(found.file)
    if found.file.suffix.lower() in NO_AUDIO:
        return Refusal(path, "not-audio", "Its name says that it is no audio file.")
    try:
        with _opened(found.file) as source:
            name, pieces = as_text(found.file.name), _pieces(source)
            return assets.upload(caller, name, pieces, path=found.path).answer
    except NoCultureError as refusal:
        if refusal.status >= 500:
            raise
        return Refusal(path, refusal.code, str(refusal))
    except OSError as error:
        raise StorageFailed(error) from error


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    """Opens a file without waiting: what was a file during the walk may be a pipe by now.

    Raises Unreadable, NotAFile.
    """
    try:
        source = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        raise Unreadable(error) from error
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise NotAFile
        yield source
    finally:
        os.close(source)


def _pieces(source: int) -> Iterator[bytes]:
    """Reads as many bytes as the file had when opened: one that grows for ever has an end too.

    Raises Unreadable; FileChanged when somebody wrote to it meanwhile.
    """
    try:
        before = os.fstat(source)
        left = before.st_size
        while left and (piece := os.read(source, min(left, READ_BYTES))):
            left -= len(piece)
            yield piece
        after = os.fstat(source)
    except OSError as error:
        raise Unreadable(error) from error
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise FileChanged


def _seen(vault: AssetQueries, caller: Caller, asset_id: str) -> AssetDto | None:
    try:
        return vault.get(caller, asset_id)
    except NoCultureError as error:
        # The view is a moment behind the upload.
        if error.status not in (404, 503):
            raise
        return None
