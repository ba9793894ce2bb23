"""Pictures made anew as JPEGs of another size, with PyAV. Runs in the limited child only, after
the picture's header said how many pixels there will be.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

_CODECS = {"image/png": "png", "image/jpeg": "mjpeg", "image/webp": "webp"}
_SIDES = (1500, 1000, 500)
SMALL_SIDE = 320
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


def artwork(data: bytes, media_type: str, most_pixels: int) -> tuple[bytes, bytes, int, int] | None:
    """(a JPEG of at most 1,500 pixels a side, one of 320, width and height of the first); None for
    what does not decode. Nothing of the file but its picture is in them: no place, no camera, no
    second file behind it.
    """
    try:
        frame = _decoded(data, _CODECS[media_type], most_pixels)
        if frame is None:
            return None
        whole = _upright(frame)
        return _encoded(whole, _SIDES[0]), _encoded(whole, SMALL_SIDE), whole.width, whole.height
    except (av.error.FFmpegError, ValueError, MemoryError):
        return None


def _upright(frame: VideoFrame) -> VideoFrame:
    """Brought to 1,500 pixels, on white where it lets light through, and turned: telephones save a
    picture as the sensor lay, and say beside it how to turn it.
    """
    quarters = round(frame.rotation / 90) % 4
    width, height = _sides(frame, _SIDES[0])
    scaled = frame.reformat(width, height, "rgba", interpolation="AREA")
    pixels = scaled.to_ndarray().astype(np.uint16)
    opaque = pixels[..., 3:]
    on_white = (pixels[..., :3] * opaque + 255 * (255 - opaque)) // 255
    turned = np.rot90(on_white.astype(np.uint8), quarters)
    return VideoFrame.from_ndarray(np.ascontiguousarray(turned), format="rgb24")


def _sides(frame: VideoFrame, most_side: int) -> tuple[int, int]:
    scale = min(1.0, most_side / max(frame.width, frame.height))
    return max(1, round(frame.width * scale)), max(1, round(frame.height * scale))


def _decoded(data: bytes, codec: str, most_pixels: int) -> VideoFrame | None:
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.thread_count = 1
    # A second header further on may say otherwise than the first. Coders fill up their last blocks.
    decoder.options = {"max_pixels": str(most_pixels * 11 // 10)}
    frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    return frames[0] if frames else None


def _encoded(frame: VideoFrame, most_side: int) -> bytes:
    width, height = _sides(frame, most_side)
    how = "AREA" if width < frame.width else "BICUBIC"
    scaled = frame.reformat(width, height, "yuvj420p", interpolation=how)
    scaled.pts = None
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1)
    encoder.thread_count = 1
    encoder.qmin = encoder.qmax = _QUALITY
    return b"".join(bytes(p) for p in [*encoder.encode(scaled), *encoder.encode(None)])
