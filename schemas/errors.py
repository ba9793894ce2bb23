"""The error base class under the name that gateways and the HTTP kit may import."""

from events.errors import NoCultureError

__all__ = ["NoCultureError"]
