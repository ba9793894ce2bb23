"""A picture that has too many bytes as a smaller JPEG, with PyAV. Runs in the limited child only,
after the picture's header said how many pixels there will be.
"""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

_CODECS = {"image/png": "png", "image/jpeg": "mjpeg", "image/webp": "webp"}
_SIDES = (1500, 1000, 500)
# Qualities go from 2 (best) to 31; 1,500 pixels square are 0.1 to 1 MB.
_QUALITY = 4


def smaller(data: bytes, media_type: str, most_pixels: int, most_bytes: int) -> bytes | None:
    """A JPEG of at most 1,500 pixels a side and `most_bytes`; None for what does not decode."""
    try:
        frame = _decoded(data, _CODECS[media_type], most_pixels)
        if frame is None:
            return None
        for side in _SIDES:
            made = _encoded(frame, side)
            if len(made) <= most_bytes:
                return made
    except (av.error.FFmpegError, ValueError, MemoryError):
        return None
    return None


def _decoded(data: bytes, codec: str, most_pixels: int) -> VideoFrame | None:
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    # A second header further on may say otherwise than the first. Coders fill up their last blocks.
    decoder.options = {"max_pixels": str(most_pixels * 11 // 10)}
    frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    return frames[0] if frames else None


def _encoded(frame: VideoFrame, most_side: int) -> bytes:
    scale = min(1.0, most_side / max(frame.width, frame.height))
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    scaled = frame.reformat(
        width, height, "yuvj420p", interpolation="AREA" if scale < 1 else "BICUBIC"
    )
    scaled.pts = None
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1)
    encoder.thread_count = 1
    encoder.qmin = encoder.qmax = _QUALITY
    return b"".join(bytes(p) for p in [*encoder.encode(scaled), *encoder.encode(None)])
