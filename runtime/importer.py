"""`import`: every file of some folders into one account's vault, with an answer for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from commands.assets import Assets
from events.errors import NoCultureError
from kit.caller import Caller
from read_api.assets import AssetQueries
from schemas.dto import AssetDto, UploadedAsset

THREADS = 4
READ_BYTES = 1024 * 1024
POLL_S = 0.2
# Nothing was decided for so long: the worker is down or has very much to do.
PATIENCE_S = 300.0
# What lies beside music in every folder and is told apart by its name alone.
_BESIDE_MUSIC = """
    jpg jpeg png gif webp svg pdf txt md nfo log cue m3u m3u8 pls zip rar 7z doc docx html json xml
    ini db als flp logicx mid midi asd url
"""
NO_AUDIO = frozenset(f".{ending}" for ending in _BESIDE_MUSIC.split())
WAITING = ("uploaded",)
MEASURING = ("uploaded", "verified")


@dataclass(frozen=True, slots=True)
class Refusal:
    """`path` as it was found; `code` and `reason` as the vault says them."""

    path: str
    code: str
    reason: str


@dataclass(slots=True)
class Imported:
    """What became of the files: new, there already, not taken, or not yet looked into."""

    imported: int = 0
    duplicates: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    undecided: int = 0


class NoSuchFolder(NoCultureError):
    status, code = 422, "no-such-folder"
    exit_code = 2

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is neither a folder nor a file: check the name")


def files_of(roots: Sequence[Path]) -> list[Path]:
    """Every file under the roots in name order, without hidden ones. Raises NoSuchFolder."""
    found: list[Path] = []
    for root in roots:
        if not root.exists():
            raise NoSuchFolder(root)
        found += [root] if root.is_file() else _walk(root)
    return found


def import_files(
    assets: Assets,
    vault: AssetQueries,
    caller: Caller,
    files: Sequence[Path],
    *,
    analysed: bool = False,
    uploaded: Callable[[int], None] = lambda _: None,
    decided: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Upload all, then wait until each is verified or rejected (and `analysed`, if asked for).

    Running it again resumes: what is in the vault already counts as a duplicate. The callbacks
    get how many files are done.
    """
    answer, until = Imported(), MEASURING if analysed else WAITING
    # The same bytes may lie in a folder twice: each of the files gets its answer.
    waiting: dict[str, list[tuple[Path, UploadedAsset]]] = {}
    with ThreadPoolExecutor(THREADS) as threads:
        results = threads.map(lambda file: _upload(assets, caller, file), files)
        for number, (file, result) in enumerate(zip(files, results, strict=True), 1):
            uploaded(number)
            if isinstance(result, Refusal):
                answer.rejected.append(result)
            elif result.duplicate and result.state not in (*until, "rejected"):
                answer.duplicates += 1
            else:
                waiting.setdefault(result.id, []).append((file, result))
    total, moved_at = len(waiting), time.monotonic()
    while waiting and time.monotonic() - moved_at < PATIENCE_S:
        for asset_id in list(waiting):
            asset = _seen(vault, caller, asset_id)
            if asset is None or asset.state in until:
                continue
            moved_at = time.monotonic()
            for file, result in waiting.pop(asset_id):
                if asset.rejection is not None:
                    refused = asset.rejection
                    answer.rejected.append(Refusal(str(file), refused.code, refused.reason))
                elif result.duplicate:
                    answer.duplicates += 1
                else:
                    answer.imported += 1
            decided(total - len(waiting))
        if waiting:
            time.sleep(POLL_S)
    answer.undecided = sum(map(len, waiting.values()))
    answer.rejected.sort(key=lambda refusal: refusal.path)
    return answer


def _upload(assets: Assets, caller: Caller, file: Path) -> UploadedAsset | Refusal:
    if file.suffix.lower() in NO_AUDIO:
        return Refusal(str(file), "not-audio", "Its name says that it is no audio file.")
    try:
        with file.open("rb") as source:
            pieces = iter(lambda: source.read(READ_BYTES), b"")
            return assets.upload(caller, file.name, pieces).answer
    except NoCultureError as refusal:
        if refusal.status >= 500:
            raise
        return Refusal(str(file), refusal.code, str(refusal))
    except OSError as error:
        return Refusal(str(file), "unreadable", f"It cannot be read: {error.strerror}.")


def _seen(vault: AssetQueries, caller: Caller, asset_id: str) -> AssetDto | None:
    try:
        return vault.get(caller, asset_id)
    except NoCultureError as error:
        # The view is a moment behind the upload.
        if error.status not in (404, 503):
            raise
        return None


def _walk(folder: Path) -> Iterator[Path]:
    """Files below, but nothing hidden and nothing of an installation: its secrets are no music."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file():
            yield path
        elif (
            path.is_dir()
            and not path.is_symlink()
            and not (path / "secrets" / "installation_key").exists()
        ):
            yield from _walk(path)
