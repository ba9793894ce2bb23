"""Loads what a child needs later, since a warm child may open nothing any more."""

from __future__ import annotations

import codecs
import importlib

# mutagen and PyAV look these up or import them only when a file first wants them.
_ENCODINGS = (
    *("ascii", "latin-1", "iso-8859-1", "cp1252", "utf-8", "utf-8-sig", "zlib"),
    *("utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"),
)
_OF_STREAMS = (
    *("av.audio.codeccontext", "av.video.codeccontext", "av.subtitles.codeccontext"),
    *("av.audio.stream", "av.video.stream", "av.subtitles.stream", "logging"),
)


def load_what_files_may_want() -> None:
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    for module in _OF_STREAMS:
        importlib.import_module(module)
