"""Which files are taken for recordings by their names: for the page's file dialogue, its drops, and
the importer.

A name only spares the sending of what is no recording in any case. Everything else is sent,
whatever its ending, and the probe decides by what is inside.
"""

from __future__ import annotations

# Containers that the probe opens, by libavformat's names, and the usual endings of their files.
CONTAINERS = {
    "mp3": ("mp3", "mpga"),
    "flac": ("flac", "fla"),
    "ogg": ("ogg", "oga", "opus"),
    "wav": ("wav", "wave", "bwf", "rf64"),
    "w64": ("w64",),
    "aiff": ("aif", "aiff", "aifc"),
    "aac": ("aac", "adts"),
    "mov,mp4,m4a,3gp,3g2,mj2": ("m4a", "m4b", "m4r", "mp4", "m4v", "mov", "3gp", "3g2", "alac"),
}
ENDINGS = tuple(ending for endings in CONTAINERS.values() for ending in endings)
# What a file dialogue offers first; people may choose any other file there too.
ACCEPTED = ",".join(("audio/*", *(f".{ending}" for ending in ENDINGS)))

# Endings of files that lie beside music in every folder; their names alone tell them apart.
_BESIDE_MUSIC = """
    jpg jpeg png gif webp svg bmp tif tiff heic psd pdf txt md rtf nfo log cue m3u m3u8 pls zip rar
    7z gz doc docx xls xlsx csv html json xml yaml ini db lnk url als asd flp logicx cpr ptx rpp
    reapeaks mid midi ds_store
"""
NOT_AUDIO = frozenset(_BESIDE_MUSIC.split())
