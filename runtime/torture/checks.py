"""The log against the journal: every promise kept once, nothing else done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime.torture.journal import Deed

# What a command of each kind puts into the log, in this order.
EVENTS = {
    "sign-up": ("account.registered", "workspace.created"),
    "issue-key": ("key.issued",),
    "revoke-key": ("key.revoked",),
    "upload": ("asset.uploaded",),
    "edit": ("asset.tags_edited",),
    "delete": ("asset.deleted",),
    "erase": ("erasure.requested", "account.erasure_requested"),
}
# Beside what the first of all sign-ups does, which makes the operator.
ONLY_ONCE = "account.operator_granted"
BY_PEOPLE = {type for types in EVENTS.values() for type in types}


@dataclass(frozen=True, slots=True)
class Fact:
    """An event of the log, at its position."""

    position: int
    stream_id: str
    stream_version: int
    type: str
    tenant: str
    command_id: str
    causation_id: str | None
    data: dict[str, Any]


@dataclass(slots=True)
class Findings:
    """Each list is empty when all is well."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    misordered: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def all(self) -> dict[str, list[str]]:
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}


def read_facts(envelopes: Iterable[dict[str, Any]]) -> list[Fact]:
    return [Fact(**{name: line[name] for name in Fact.__slots__}) for line in envelopes]


def compare(deeds: Sequence[Deed], facts: Sequence[Fact]) -> Findings:
    """`facts` in position order, from the first."""
    findings = Findings()
    by_command: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_command[fact.command_id].append(fact)
    for deed in deeds:
        _check_deed(deed, by_command.get(deed.command_id, []), findings)
    _check_nothing_unasked(deeds, facts, findings)
    _check_order(deeds, findings)
    _check_numbering(facts, findings)
    _check_content_is_there_once(facts, findings)
    return findings


def _check_deed(deed: Deed, found: list[Fact], findings: Findings) -> None:
    told = f"{deed.kind} {deed.command_id}"
    types = tuple(fact.type for fact in found if fact.type != ONLY_ONCE)
    changes_nothing = deed.outcome == "refused" or deed.content.get("duplicate")
    wanted = () if changes_nothing else EVENTS[deed.kind]
    if deed.outcome in ("unknown", "open") and not found:
        return
    if len(types) > len(wanted):
        where = [fact.position for fact in found]
        findings.duplicated.append(f"{told}, {deed.outcome}: {types} at {where}")
    elif types != wanted:
        findings.lost.append(f"{told}, acknowledged at {deed.position}: found {types}")
    elif wanted:
        _check_promise(deed, found, told, findings)


def _check_promise(deed: Deed, found: list[Fact], told: str, findings: Findings) -> None:
    first, last = found[0], found[-1]
    if deed.position is not None and deed.position != last.position:
        findings.lost.append(f"{told} was promised {deed.position} and is at {last.position}")
    if deed.stream_id is not None and deed.stream_id != first.stream_id:
        findings.lost.append(f"{told} was promised {deed.stream_id} and is in {first.stream_id}")
    if deed.version is not None and deed.version != first.stream_version:
        at = f"v{first.stream_version}"
        findings.lost.append(f"{told} was promised version {deed.version} and is {at}")
    if not _says(first.data, deed.content):
        findings.lost.append(f"{told} says {first.data} instead of {deed.content}")


def _says(data: Any, content: Any) -> bool:
    """Compares data with content; personal data of somebody forgotten since reads as null."""
    if data is None:
        return True
    if isinstance(content, dict):
        return all(
            name == "duplicate" or (name in data and _says(data[name], value))
            for name, value in content.items()
        )
    return bool(data == content)


def _check_nothing_unasked(
    deeds: Sequence[Deed], facts: Sequence[Fact], findings: Findings
) -> None:
    """Checks that a client asked for each event that people cause."""
    asked = {deed.command_id for deed in deeds}
    findings.unasked += [
        f"{fact.type} at {fact.position}: nobody sent {fact.command_id}"
        for fact in facts
        if fact.type in BY_PEOPLE and not fact.causation_id and fact.command_id not in asked
    ]


def _check_order(deeds: Sequence[Deed], findings: Findings) -> None:
    """Checks that a command answered before another was first sent precedes it in the log."""
    done = [d for d in deeds if d.position and d.answered_at and not d.content.get("duplicate")]
    answered = sorted(done, key=lambda d: d.answered_at or 0.0)
    highest, next_answer = 0, 0
    for deed in sorted(done, key=lambda d: d.sent_at):
        while next_answer < len(answered) and (
            (answered[next_answer].answered_at or 0.0) < deed.sent_at
        ):
            highest = max(highest, answered[next_answer].position or 0)
            next_answer += 1
        if (deed.position or 0) <= highest:
            findings.misordered.append(
                f"{deed.kind} {deed.command_id} is at {deed.position}, but {highest} was"
                " answered before it was sent"
            )


def _check_numbering(facts: Sequence[Fact], findings: Findings) -> None:
    """Positions without a gap; each stream's versions as well."""
    versions: Counter[str] = Counter()
    for index, fact in enumerate(facts, 1):
        if fact.position != index:
            findings.gaps.append(f"position {fact.position} follows {index - 1}")
            return
        versions[fact.stream_id] += 1
        if fact.stream_version != versions[fact.stream_id]:
            findings.gaps.append(f"{fact.stream_id}: v{fact.stream_version} at {fact.position}")


def _check_content_is_there_once(facts: Sequence[Fact], findings: Findings) -> None:
    """Checks that nothing is there twice under any command ids: clients never repeat content."""
    held: set[tuple[str, str]] = set()
    said: set[tuple[str, str]] = set()
    for fact in facts:
        match fact.type:
            case "asset.uploaded":
                bytes_ = (fact.tenant, fact.data["sha256"])
                if bytes_ in held:
                    findings.duplicated.append(f"{bytes_} is in the vault twice: {fact.position}")
                held.add(bytes_)
                continue
            case "asset.deleted":
                held.discard((fact.tenant, fact.data["sha256"]))
                continue
            case "asset.tags_edited":
                text = (fact.data["tags"] or {}).get("title")
            case "key.issued":
                text = fact.data["name"]
            case "account.registered":
                text = fact.data["email"]
            case _:
                continue
        if text is None:
            continue
        if (fact.type, text) in said:
            findings.duplicated.append(f"{fact.type} of {text!r} again at {fact.position}")
        said.add((fact.type, text))
