"""The one base class of every error that is meant for the person who asked."""

from schemas.errors import NoCultureError

__all__ = ["NoCultureError"]
