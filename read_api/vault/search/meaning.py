"""Places words as a point near what was heard, by a text model that is loaded when needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import lru_cache

from gateways.ports.text import TextEmbedder
from read_api.vault.search.nearest import Nearest
from schemas.errors import NoCultureError

log = logging.getLogger(__name__)
# A recording at least so close to the words is shown for them. With MiniLM words of music ("heavy
# riffs", "orchestra") reach 0.3 to 0.5, titles ("blue monday") stay below.
MEANT = 0.3
# Questions do not wait for the model, which takes 2 s to load, once a process: until then they are
# answered by what stands in texts.
PATIENCE_S = 0.2


class Meaning:
    """`make_embedder` None, or what it makes cannot be loaded: words are no more than letters."""

    def __init__(self, make_embedder: Callable[[], TextEmbedder] | None) -> None:
        self._make = make_embedder
        self._embedder: TextEmbedder | None = None
        self._done, self._starting = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        # Pages of one question, and the same question again, spare 6 ms each.
        self._vector = lru_cache(256)(self._embed)

    def of(self, text: str) -> Nearest | None:
        """Towards what was heard as these words say; None as long as there is no model."""
        embedder = self._ready()
        if embedder is None:
            return None
        return Nearest("words", embedder.model, self._vector(text), least=MEANT)

    def _ready(self) -> TextEmbedder | None:
        if self._make is None:
            return None
        if not self._done.is_set():
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._load, name="text", daemon=True)
                    self._thread.start()
            self._done.wait(PATIENCE_S)
        return self._embedder

    def _load(self) -> None:
        assert self._make is not None
        try:
            embedder = self._make()
            embedder.load()
            self._embedder = embedder
        except NoCultureError as error:
            log.warning("no search by meaning: %s", error)
        finally:
            self._done.set()

    def _embed(self, text: str) -> str:
        assert self._embedder is not None
        vector = self._embedder.embed([text])[0]
        return f"[{','.join(f'{number:.4f}' for number in vector.tolist())}]"
