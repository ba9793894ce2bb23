"""Readers skip event types that they do not know: every process must know all there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from events.catalogue import load_all_events
from runtime.installation import ROOT
from tests.conftest import Database

OPEN = """
import json
from events.model import REGISTRY
from runtime.composition import open_core
from runtime.settings import load_settings

with open_core(load_settings(), connections=1):
    print(json.dumps(REGISTRY.categories()))
"""


def test_whoever_opens_the_log_knows_every_event(database: Database, tmp_path: Path):
    """Regression: `consumers rebuild` imported no module with `workspace.created`, and made a
    timeline without it.
    """
    printed = subprocess.run(
        [sys.executable, "-c", OPEN],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NOCULTURE_DATA": str(tmp_path),
            "NOCULTURE_APP_DATABASE_URL": database.app_url,
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert json.loads(printed) == sorted(
        {model.type.partition(".")[0] for model in load_all_events()}
    )
