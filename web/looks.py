"""How figures are written on pages: one function a kind, used as template filters."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MINUS = "\u2212"
NONE = "\u2013"


def clock(seconds: float | None) -> str:
    """`3:07`, `1:02:07`; hours only when there are some."""
    if seconds is None:
        return NONE
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def seconds(text: str) -> float:
    """Reads back what `clock` writes, with decimals too: `1:23.5`. Raises ValueError."""
    whole = 0.0
    for part in text.strip().split(":"):
        whole = whole * 60 + float(part)
    if not math.isfinite(whole):
        raise ValueError(f"{text[:40]} is no moment")
    return whole


def moment_of(at_s: float) -> str:
    """`1:23.4`: a moment that can be heard, read back by `seconds`."""
    tenths = round(at_s * 10)
    minutes, rest = divmod(tenths, 600)
    return f"{minutes}:{rest // 10:02}.{rest % 10}"


def span(seconds: float) -> str:
    """How long a whole vault plays: `7 h 12 min`, `4 min`."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def decimal(number: float | None, digits: int = 1) -> str:
    """With a real minus sign; always so many digits, which keeps columns straight."""
    if number is None:
        return NONE
    return f"{number:.{digits}f}".replace("-", MINUS)


def figure(number: float) -> str:
    """`14`, `\u22120.3`, `0.0042`, `16,000`: four digits at most, and all before the point."""
    shown = f"{number:.4g}" if abs(number) < 1000 else f"{number:,.0f}"
    return shown.replace("-", MINUS)


def bare(number: float | None) -> str:
    """For input fields: `140`, `93.5`, nothing for none."""
    return "" if number is None else f"{number:g}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{round(share * 100)}%"


def sentence(text: str) -> str:
    """As a sentence stands: a capital first, a full stop last."""
    ended = not text or text[-1] in ".!?"
    return text[:1].upper() + text[1:] + ("" if ended else ".")


def size(count: int) -> str:
    """Bytes in decimal units, as file managers show them."""
    value = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit in ("bytes", "kB") else f"{value:.1f} {unit}"


def grouped(number: int) -> str:
    """`12,345`, as `figure` writes it."""
    return f"{number:,}"


def moment(time: datetime | str) -> datetime:
    """RFC 3339 text or a datetime, as UTC."""
    parsed = datetime.fromisoformat(time) if isinstance(time, str) else time
    return parsed.astimezone(UTC)


def day_and_time(time: datetime | str) -> str:
    return f"{moment(time):%-d %b %Y, %H:%M} UTC"


def day(time: datetime | str) -> str:
    return f"{moment(time):%-d %b %Y}"


def iso(time: datetime | str) -> str:
    return f"{moment(time):%Y-%m-%dT%H:%M:%SZ}"


def between(value: float | None, low: float, high: float) -> float:
    """Where a value stands on a scale, 0 to 100 for the width of a meter."""
    if value is None:
        return 0.0
    return round(min(max((value - low) / (high - low), 0.0), 1.0) * 100, 1)


def _drawing() -> list[tuple[float, float]]:
    """(x, height) of the bars drawn where there is no music yet: a phrase that swells and dies."""
    bars = []
    for number in range(100):
        swell = math.sin(math.pi * (number + 0.5) / 100) ** 1.4
        beat = abs(math.sin(number * 0.47)) * 0.6 + abs(math.sin(number * 1.31 + 0.8)) * 0.4
        bars.append((number * 6.0, round(4 + 118 * swell * (0.25 + 0.75 * beat), 1)))
    return bars


DRAWING = _drawing()
