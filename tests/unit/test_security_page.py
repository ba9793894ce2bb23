"""`docs/security.md` speaks of every requirement once, and of files that exist."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 begins with. Those of level 3
# come last in every section.
UP_TO_LEVEL_2 = {
    **{"1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2},
    **{"2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1},
    **{"3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2},
    **{"4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4},
    **{"5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3},
    **{"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4},
    **{"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2},
    **{"8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1},
    **{"9.1": 3, "9.2": 4},
    **{"10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3},
    **{"11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1},
    **{"12.1": 3, "12.2": 2, "12.3": 4},
    **{"13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5},
    **{"14.1": 2, "14.2": 4, "14.3": 3},
    **{"15.1": 3, "15.2": 3, "15.3": 7},
    **{"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3},
    **{"17.1": 1, "17.2": 4, "17.3": 2},
}
ROW = re.compile(r"^\| ([\d., -]+) \| (\S[^|]*) \| (\S[^|]*) \|$", re.MULTILINE)


def each(requirements: str) -> list[str]:
    """`1.2.6-1.2.8, 3.1.1` one by one."""
    found = []
    for part in requirements.split(", "):
        first, _, last = part.partition("-")
        section, _, number = first.rpartition(".")
        until = int(last.rpartition(".")[2]) if last else int(number)
        found += [f"{section}.{each}" for each in range(int(number), until + 1)]
    return found


def test_each_requirement_of_levels_1_and_2_has_exactly_one_row():
    wanted = Counter(
        f"{section}.{n + 1}" for section, count in UP_TO_LEVEL_2.items() for n in range(count)
    )
    assert wanted.total() == 253
    assert Counter(number for row in ROW.findall(PAGE) for number in each(row[0])) == wanted


def test_a_row_says_met_missing_or_not_applicable_and_why():
    assert {row[1] for row in ROW.findall(PAGE)} == {"met", "missing", "not applicable"}
    assert all(len(row[2]) > 10 for row in ROW.findall(PAGE))


def test_what_the_page_points_at_exists():
    files = re.findall(r"`((?:[a-z_]+/)+[\w.*/-]*)`", PAGE)
    assert len(files) > 10
    assert [name for name in files if not list(ROOT.glob(name.rstrip("/")))] == []
    links = re.findall(r"\]\(([\w./-]+)\)", PAGE)
    assert [name for name in links if not (ROOT / "docs" / name).exists()] == []
    headings = {
        re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-")
        for h in re.findall(r"^#+ (.+)$", PAGE, re.M)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= headings
