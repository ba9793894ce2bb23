"""Messages of `import` and `demo`: who signs in how, what came of each file, what still goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.cli.output import in_a_line, say

if TYPE_CHECKING:
    from runtime.importer import Imported

# After a second import every file is already there: only so many are named.
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """`waiting` recordings of this vault are still to be measured; `left_s` until they are, as far
    as anybody can tell. `analysed` if the import waited for that.
    """

    imported: Imported
    link: str | None
    founded: bool
    analysed: bool
    waiting: int
    left_s: float | None
    web: str

    @property
    def awaited(self) -> str:
        return "analysed" if self.analysed else "checked"

    @property
    def exit_code(self) -> int:
        return int(bool(self.imported.undecided or self.imported.stopped))


def tell_account(email: str, link: str | None, *, founded: bool, json: bool) -> None:
    """Comes before anything that may fail: the link cannot be asked for a second time."""
    told = say if json else print
    if link:
        told(f"Sign in once, within a day: {link}")
    if founded:
        told(
            f"{email} is the first account here, so it is the operator: it sees under System how"
            " the installation runs, mends what is stuck, and may make others operators with"
            " `./noculture operator grant EMAIL`."
        )


def as_json(outcome: Outcome) -> dict[str, Any]:
    imported, left_s = outcome.imported, outcome.left_s
    stopped = imported.stopped
    return {
        "imported": imported.imported,
        "duplicates": len(imported.already_there),
        "already_there": imported.already_there,
        "rejected": [
            {"path": r.path, "code": r.code, "reason": r.reason} for r in imported.rejected
        ],
        "undecided": imported.undecided,
        "stopped": {"code": stopped.code, "message": str(stopped)} if stopped else None,
        "sign_in_link": outcome.link,
        "operator": outcome.founded,
        "measuring": {
            "waiting": outcome.waiting,
            "left_s": None if left_s is None else round(left_s),
        },
    }


def tell(outcome: Outcome, *, named: bool = True) -> None:
    """`named` is False where the files themselves tell nobody anything."""
    imported = outcome.imported
    # After a wait that ran out "0 imported" would be read as a failure.
    counts = (
        [f"{imported.imported} imported"] if imported.imported or outcome.exit_code == 0 else []
    )
    if imported.undecided:
        counts.append(f"{len(imported.undecided)} stored but not {outcome.awaited} yet")
    counts.append(f"{len(imported.already_there)} already there")
    print(", ".join([*counts, f"{len(imported.rejected)} not taken."]))
    if outcome.waiting:
        print(_goes_on(outcome))
    _tell_names("Not taken", [f"{r.path}: {r.reason} ({r.code})" for r in imported.rejected])
    if named:
        _tell_names("Already there", imported.already_there, MOST_NAMED)
        _tell_names(f"Not {outcome.awaited} yet", imported.undecided, MOST_NAMED)
    if imported.undecided:
        say("`./noculture status` says whether the worker runs and how much it has to do.")
    if imported.stopped:
        say(f"noculture: {imported.stopped}")


def _goes_on(outcome: Outcome) -> str:
    from read_api.vault.queue import left

    tracks = "1 track waits" if outcome.waiting == 1 else f"{outcome.waiting} tracks wait"
    return f"Analysing goes on: {tracks}, {left(outcome.left_s)}. See {outcome.web}/vault"


def _tell_names(heading: str, lines: Sequence[str], most: int | None = None) -> None:
    if not lines:
        return
    print(f"{heading}:")
    for line in lines[:most]:
        print(f"  {in_a_line(line)}")
    if most is not None and len(lines) > most:
        print(f"  … and {len(lines) - most} more; --json names each")
