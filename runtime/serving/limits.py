"""How much of the server one connection, one address and all of them may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runtime.settings import Settings


def nobody(address: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, counts and seconds; the settings of the same names say what each is for.

    `speaks_for_many` says of an address whether it has no limit of its own.
    """

    max_connections: int = 2_000
    max_connections_per_address: int = 256
    max_header_bytes: int = 32 * 1024
    max_headers: int = 100
    max_target_bytes: int = 8 * 1024
    header_timeout_s: float = 10.0
    keep_alive_s: float = 20.0
    body_timeout_s: float = 20.0
    min_body_bytes_per_s: int = 250
    send_timeout_s: float = 60.0
    speaks_for_many: Callable[[str], bool] = nobody

    @property
    def min_body_bytes(self) -> float:
        """Bytes that must arrive in each `body_timeout_s`."""
        return self.min_body_bytes_per_s * self.body_timeout_s


def limits_of(settings: Settings) -> Limits:
    return Limits(
        max_connections=settings.max_connections,
        max_connections_per_address=settings.max_connections_per_address,
        max_header_bytes=settings.max_header_bytes,
        max_headers=settings.max_headers,
        max_target_bytes=settings.max_target_bytes,
        header_timeout_s=settings.header_timeout_s,
        keep_alive_s=settings.keep_alive_s,
        body_timeout_s=settings.body_timeout_s,
        min_body_bytes_per_s=settings.min_body_bytes_per_s,
        send_timeout_s=settings.send_timeout_s,
        # All people come from the proxy's address: only `max_connections` bounds them here.
        speaks_for_many=settings.site.trusts,
    )
