"""`python -m tests.fuzz TARGET [--seconds N]`: atheris over the saved inputs.

It has wheels for few versions of Python, so it is no dependency: the first run installs it into a
folder of its own. New inputs stay in a temporary folder; a crash is written to the current one, and
`--replay FILE` shows it again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.corpus import CORPUS
from tests.fuzz.targets import TARGETS

MAX_INPUT_BYTES = 32 * 1024


def main() -> None:
    options = _options()
    if options.replay:
        TARGETS[options.target](options.replay.read_bytes())
        print("nothing broke")
        return
    try:
        import atheris
    except ModuleNotFoundError:
        _again_with_atheris()
    with atheris.instrument_imports(
        include=["gateways.audio", "mutagen"], enable_loader_override=False
    ):
        _forget_modules()
        import tests.fuzz.targets
    target = tests.fuzz.targets.TARGETS[options.target]
    found = tempfile.mkdtemp(prefix=f"fuzz-{options.target}-")
    print(f"new inputs go to {found}", flush=True)
    fuzzer = (
        *(
            f"-max_total_time={options.seconds}",
            f"-max_len={MAX_INPUT_BYTES}",
            "-rss_limit_mb=1500",
        ),
        *("-timeout=20", "-print_final_stats=1", "-close_fd_mask=0", "-verbosity=1"),
    )
    atheris.Setup([sys.argv[0], *fuzzer, found, str(CORPUS / options.target)], target)
    atheris.Fuzz()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--replay", type=Path, help="one input instead of fuzzing")
    return parser.parse_args()


def _forget_modules() -> None:
    """What was imported for its names is imported again, to be watched."""
    for name in [
        name
        for name in sys.modules
        if name.startswith(("gateways.audio", "mutagen", "tests.fuzz.t"))
    ]:
        del sys.modules[name]


def _again_with_atheris() -> None:
    folder = Path(tempfile.gettempdir()) / f"noculture-atheris-{sys.version_info[1]}"
    if str(folder) in sys.path:
        sys.exit("atheris does not work with this Python")
    if not folder.exists():
        wanted = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
        subprocess.run([*wanted, "atheris>=2.3"], check=True)
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(folder))))
    command = [sys.executable, "-m", "tests.fuzz", *sys.argv[1:]]
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": path})


if __name__ == "__main__":
    main()
