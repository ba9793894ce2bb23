"""A pytest plugin: tells runtime/suite/run.py how a run ended."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

# Names the file that the outcome is written to.
OUTCOME = "NOCULTURE_TEST_OUTCOME"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Writes the counts and the ids of what failed. An error in a fixture counts as failed."""
    stats = terminalreporter.stats
    bad = {report.nodeid for kind in ("failed", "error") for report in stats.get(kind, ())}
    outcome = {
        "passed": len({report.nodeid for report in stats.get("passed", ())} - bad),
        "skipped": len(stats.get("skipped", ())),
        "failed": sorted(bad),
    }
    Path(os.environ[OUTCOME]).write_text(json.dumps(outcome))
