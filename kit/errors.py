"""The error base class of the whole product, under the kit's own roof."""

from schemas.errors import NoCultureError

__all__ = ["NoCultureError"]
