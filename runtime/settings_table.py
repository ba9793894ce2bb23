"""Writes `docs/settings.md`, the one table of all settings: `python -m runtime.settings_table`."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from runtime.installation import DEFAULT_DATA, PREFIX, ROOT
from runtime.settings import Settings

TARGET = ROOT / "docs" / "settings.md"
HEAD = """\
# Settings

Made from `runtime/settings.py` by `python -m runtime.settings_table`; a test says if it is old.

A value comes from, first wins: the command line, the environment, the file `settings.env` in the
installation's folder (`NAME=value` lines), the addresses of the embedded engines that run, the
default. `./noculture doctor` shows each value with its source.

| variable | default | meaning |
|---|---|---|
"""
BOOTSTRAP = """\

Read by the `./noculture` script itself, from the environment only:

| variable | default | meaning |
|---|---|---|
| `NOCULTURE_PYTHON` | newest of `python3.14` … `python3.11`, `python3`, `python` | Python to use. |
| `NOCULTURE_VENV` | `.venv` beside the script | Folder of the virtual environment. |
"""


def settings_table() -> str:
    """The whole text of docs/settings.md."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    ]
    return HEAD + "".join(rows) + BOOTSTRAP


def _default(field: FieldInfo) -> str:
    if field.default_factory:
        return "as many as there are cores, at most 8"
    value = field.default
    if value == DEFAULT_DATA:
        return "`.noculture` beside the code"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in (None, "") else "empty"


if __name__ == "__main__":
    Path(TARGET).write_text(settings_table())
    print(TARGET.relative_to(ROOT))
