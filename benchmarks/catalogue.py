"""The benchmarks by name. A module is imported when its name is called."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator

from benchmarks.result import Result
from benchmarks.rig import Rig

MODULES = {
    "P1": "benchmarks.p1_commands",
    "P2": "benchmarks.p2_bulk_append",
    "P3": "benchmarks.p3_relay",
    "P4": "benchmarks.p4_rebuild",
    "P5": "benchmarks.p5_visible",
    "P6": "benchmarks.p6_http",
    "P7": "benchmarks.p7_verify",
    "P8": "benchmarks.p8_cost_curve",
    "P9": "benchmarks.p9_analysis",
    "P10": "benchmarks.p10_search",
    "P11": "benchmarks.p11_pages",
    "P12": "benchmarks.p12_pages_meanwhile",
    "P13": "benchmarks.p13_crowd",
    "P14": "benchmarks.p14_idle",
    "P15": "benchmarks.p15_troubled",
    "P16": "benchmarks.p16_attacks",
    "P17": "benchmarks.p17_revocations",
}


def run(rig: Rig, names: Iterable[str]) -> Iterator[Result]:
    """The results of each benchmark as it ends; one may answer several lines."""
    for name in names:
        rig.say(f"{name} …")
        yield from importlib.import_module(MODULES[name]).measure(rig)
        rig.clear()
