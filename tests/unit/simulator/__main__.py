"""Seeded schedules of all that may happen to sagas and read models: `python -m
tests.unit.simulator --schedules N --seed S` runs so many on one core and prints the rate.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

from tests.unit.simulator.schedules import LENGTH, search


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.unit.simulator")
    options.add_argument("--schedules", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--length", type=int, default=LENGTH, help="actions by chance")
    asked = options.parse_args()
    logging.disable(logging.CRITICAL)
    # Time of this process: the machine may have other work.
    began = time.process_time()
    found = search(asked.seed, asked.schedules, length=asked.length)
    seconds = time.process_time() - began
    if found is not None:
        print(found)
        sys.exit(1)
    print(
        f"{asked.schedules} schedules with {asked.length} actions by chance, seed {asked.seed}:"
        f" nothing broke; {seconds:.1f} s of one core,"
        f" {asked.schedules / seconds * 60:,.0f} schedules/min"
    )


if __name__ == "__main__":
    main()
