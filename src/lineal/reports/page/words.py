"""Text of others on a page: shown as text, no longer than can be read, and never acting on the reader's browser."""

from __future__ import annotations

import math
import unicodedata
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from lineal.redaction import harmless
from lineal.reports import terminal

# Whatever is put on a page without a limit of its own.
_MOST = 4_000
# An en dash, and a minus as wide as a plus.
NOTHING, MINUS = "\u2013", "\u2212"


def plain(value: Any) -> Any:
    """What stands for a value on the page: text without what acts on a reader, cut where there is too much of it."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return cut(value, _MOST) if len(value) > _MOST else harmless(value)


def cut(value: object, most: int) -> Markup:
    """A text, set apart from what stands around it; of a long one the beginning, and a sentence that says so."""
    text = str(value)
    shown = Markup("<bdi>%s</bdi>") % harmless(text[:most])
    if len(text) <= most:
        return shown
    said = f"cut here: the first {most:,} of {len(text):,} characters are shown"
    return Markup('%s… <span class="cut">(%s)</span>') % (shown, said)


def short(text: str, most: int) -> str:
    """A label on one line; of a long one the beginning."""
    flat = harmless(" ".join(text[: 4 * most].split()))
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def width(text: str, size: float) -> float:
    """How wide a text is at most, set in a system's sans-serif of a size, DejaVu Sans being the widest in use."""
    return sum(_width(letter) for letter in text) * size


def fitting(text: str, room: float, size: float) -> str:
    """As much of a label as has room, and an ellipsis where that is not all of it."""
    flat = short(text, 200)
    if width(flat, size) <= room:
        return flat
    while flat and width(f"{flat}…", size) > room:
        flat = flat[:-1]
    return f"{flat}…"


def lines(text: str, room: float, size: float, most: int) -> list[str]:
    """A label on as many lines as it needs, broken where a word or a part of a name ends.

    Args:
        text: the label.
        room: that a line has.
        size: of the letters.
        most: so many lines at most; the last ends in an ellipsis where that is not all of it.
    """
    left, made = short(text, 200), list[str]()
    while len(made) < most - 1 and width(left, size) > room:
        fits = 1
        while fits < len(left) and width(left[: fits + 1], size) <= room:
            fits += 1
        ends = [place for place in range(1, fits + 1) if left[place - 1] in " _-/." or left[place : place + 1] == " "]
        cut_at = ends[-1] if ends else fits
        made.append(left[:cut_at].rstrip())
        left = left[cut_at:].lstrip()
    return [*made, fitting(left, room, size)]


def day(time: str | None) -> Markup:
    """A recorded time as a day, with the second for whoever asks."""
    if not time:
        return escape(NOTHING)
    try:
        when = datetime.fromisoformat(time)
    except ValueError:
        return escape(short(time, 40))
    said = f"{when.day} {when.strftime('%B %Y')}"
    return Markup('<time datetime="%s" title="%s UTC">%s</time>') % (
        when.isoformat(timespec="seconds"),
        f"{when:%Y-%m-%d %H:%M:%S}",
        said,
    )


def moment(time: str | None) -> Markup:
    """A recorded time, to the minute."""
    if not time:
        return escape(NOTHING)
    try:
        when = datetime.fromisoformat(time)
    except ValueError:
        return escape(short(time, 40))
    return Markup('<time datetime="%s">%s UTC</time>') % (
        when.isoformat(timespec="seconds"),
        f"{when:%Y-%m-%d %H:%M}",
    )


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number with what it counts."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def figure(value: float | None) -> str:
    """A figure with as many digits as can matter to a reader; none beyond a point where it is large."""
    if value is None or math.isnan(value):
        return NOTHING
    if 0 < abs(value) < 0.00005:
        return f"{value:.1e}"
    return terminal.figure(value) if abs(value) > 1 else f"{value:.4f}"


def _width(letter: str) -> float:
    if letter in "ijl|'!.,:;":
        return 0.34
    if letter in 'ftrI()[]{}/-" ':
        return 0.43
    if letter in "mMW@%—…":
        return 1.0
    if letter in "wGOQD" or ("A" <= letter <= "Z"):
        return 0.8
    if ord(letter) < 0x250:
        return 0.65
    return 0.0 if unicodedata.combining(letter) else 1.05
