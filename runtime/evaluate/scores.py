"""One answer against what was found: the scores of the MIREX tasks, in a few lines each.
Checked against mir_eval in the tests."""

from __future__ import annotations

from gateways.audio.keys import NOTES

TEMPO_TOLERANCE = 0.04
_OCTAVES = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)


def tempo_right(found_bpm: float | None, true_bpm: float) -> bool:
    """Acc1: within 4 %."""
    return found_bpm is not None and abs(found_bpm / true_bpm - 1) <= TEMPO_TOLERANCE


def tempo_right_but_octave(found_bpm: float | None, true_bpm: float) -> bool:
    """Acc2: within 4 % of the tempo, its double, triple, half or third."""
    return any(tempo_right(found_bpm, true_bpm * factor) for factor in _OCTAVES)


def key_weight(found: str | None, true: str) -> float:
    """MIREX, as mir_eval counts: 1 exact, .5 a fifth above, .3 relative, .2 parallel, else 0."""
    if found is None:
        return 0.0
    if found == true:
        return 1.0
    (found_tonic, found_mode), (true_tonic, true_mode) = _parts(found), _parts(true)
    if found_mode == true_mode:
        return 0.5 if (found_tonic - true_tonic) % 12 == 7 else 0.0
    relative = (true_tonic + (9 if true_mode == "major" else 3)) % 12
    if found_tonic == relative:
        return 0.3
    return 0.2 if found_tonic == true_tonic else 0.0


def key_relation(found: str | None, true: str) -> str:
    """Names in a word how the key found relates to the true one."""
    words = {1.0: "exact", 0.5: "fifth", 0.3: "relative", 0.2: "parallel", 0.0: "other"}
    return words[key_weight(found, true)]


def f1(found: set[str], true: set[str]) -> float:
    """The harmonic mean of how much of what was found is true and the reverse; both empty: 1."""
    if not found and not true:
        return 1.0
    return 2 * len(found & true) / (len(found) + len(true))


def auc(values: list[float], truths: list[bool]) -> float | None:
    """How often a true one is valued over a false one; None unless there are both."""
    yes = [value for value, true in zip(values, truths, strict=True) if true]
    no = [value for value, true in zip(values, truths, strict=True) if not true]
    if not yes or not no:
        return None
    wins = sum((a > b) + 0.5 * (a == b) for a in yes for b in no)
    return wins / (len(yes) * len(no))


def _parts(key: str) -> tuple[int, str]:
    note, mode = key.split()
    return NOTES.index(note), mode
