#!/usr/bin/env python3
"""Packaging step: copy the browser files we ship from npm packages into the repository.

    tools/vendor_assets.py           needs Node: npm ci in web/, then copies
    tools/vendor_assets.py --check   needs nothing: are the committed files what the manifest says?

The result is committed, so that starting the product needs no Node. Standard library only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "web" / "node_modules"
SHIPPED = ROOT / "web" / "static" / "vendor"
FOR_TESTS = ROOT / "tests" / "e2e" / "vendor"

# package -> (where it goes, the files of it that we use)
WANTED: dict[str, tuple[Path, tuple[str, ...]]] = {
    "htmx.org": (SHIPPED, ("dist/htmx.min.js", "LICENSE")),
    "@fontsource-variable/archivo": (
        SHIPPED,
        (
            "files/archivo-latin-wght-normal.woff2",
            "files/archivo-latin-ext-wght-normal.woff2",
            "LICENSE",
        ),
    ),
    "axe-core": (FOR_TESTS, ("axe.min.js", "LICENSE")),
    "tus-js-client": (FOR_TESTS, ("dist/tus.min.js", "LICENSE")),
    "music-metadata": (FOR_TESTS, ("LICENSE.txt",)),
}
# package -> (file, what is bundled into it) where there is no file for browsers to copy
BUNDLED = {
    "music-metadata": (
        "music-metadata.min.js",
        "import {parseBlob} from 'music-metadata'; globalThis.parseMusicMetadata = parseBlob;",
    ),
}


def sha384(path: Path) -> str:
    """Hashes a file for subresource integrity: `sha384-<base64>`."""
    return "sha384-" + base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()


def vendor() -> None:
    subprocess.run(["npm", "ci"], cwd=ROOT / "web", check=True)
    for room in (SHIPPED, FOR_TESTS):
        shutil.rmtree(room, ignore_errors=True)
    for package, (room, files) in WANTED.items():
        about = json.loads((PACKAGES / package / "package.json").read_text())
        folder = room / package.rsplit("/", 1)[-1] / about["version"]
        folder.mkdir(parents=True)
        for file in files:
            shutil.copyfile(PACKAGES / package / file, folder / Path(file).name)
        if package in BUNDLED:
            bundle(folder, *BUNDLED[package])
    for room in (SHIPPED, FOR_TESTS):
        manifest = json.dumps(manifest_of(room), indent=2) + "\n"
        (room / "manifest.json").write_text(manifest)


def bundle(folder: Path, name: str, source: str) -> None:
    command = [
        *(str(PACKAGES / ".bin" / "esbuild"), "--bundle", "--minify", "--format=iife"),
        *("--platform=browser", "--log-level=warning", f"--outfile={folder / name}"),
    ]
    subprocess.run(command, input=source, text=True, cwd=ROOT / "web", check=True)


def manifest_of(room: Path) -> dict[str, str]:
    files = (f for f in sorted(room.rglob("*")) if f.is_file() and f.name != "manifest.json")
    return {f.relative_to(room).as_posix(): sha384(f) for f in files}


def check() -> bool:
    """Names every committed file that is missing, added or changed."""
    clean = True
    for room in (SHIPPED, FOR_TESTS):
        promised = json.loads((room / "manifest.json").read_text())
        found = manifest_of(room)
        for name in sorted(promised.keys() | found.keys()):
            if promised.get(name) != found.get(name):
                print(f"{(room / name).relative_to(ROOT)}: not what the manifest says")
                clean = False
    return clean


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if check() else 1)
    vendor()
