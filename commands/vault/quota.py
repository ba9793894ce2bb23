"""How much a workspace may keep: its plan's bytes, checked before an upload begins."""

from __future__ import annotations

from collections.abc import Callable

from events.errors import NoCultureError
from schemas.vault.dto import StorageUsage

MB, GB = 10**6, 10**9


class QuotaExceeded(NoCultureError):
    status, code = 413, "quota-exceeded"

    def __init__(self, usage: StorageUsage, asked_bytes: int) -> None:
        assert usage.limit_bytes is not None
        self.usage, self.asked_bytes = usage, asked_bytes
        used = usage.used_bytes + usage.uploading_bytes
        super().__init__(
            f"The file needs {_size(asked_bytes)}, and {_size(used)} of the"
            f" {_size(usage.limit_bytes)} of your plan are used:"
            " delete tracks that you no longer need, empty the trash, cancel uploads,"
            " or ask for a larger plan"
        )

    @property
    def details(self) -> dict[str, object]:
        return {**self.usage.model_dump(), "asked_bytes": self.asked_bytes}


def _size(count: int) -> str:
    return f"{count / GB:.2f} GB" if count >= GB else f"{count / MB:.1f} MB"


def _no_limit(workspace_id: str) -> StorageUsage:
    return StorageUsage(
        plan="unlimited", used_bytes=0, uploading_bytes=0, limit_bytes=None, left_bytes=None
    )


class Quota:
    """`usage` reads the views, which are milliseconds behind: racing uploads may together end a
    little over the limit. It guards disks, not money.
    """

    def __init__(self, usage: Callable[[str], StorageUsage] = _no_limit) -> None:
        self._usage = usage

    def check(self, workspace_id: str, more_bytes: int) -> None:
        """Raises QuotaExceeded (413)."""
        usage = self._usage(workspace_id)
        if usage.left_bytes is not None and more_bytes > usage.left_bytes:
            raise QuotaExceeded(usage, more_bytes)
