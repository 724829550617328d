"""How a CSV file parts its fields, as far as its header tells."""

from __future__ import annotations

# A header longer than this is one of many columns, and its start tells as much as the whole.
HEADER_BYTES = 1 << 16


def delimiter_of(start: bytes) -> str:
    """The delimiter of a CSV file: a comma where its header has one, else what stands there most often.

    Args:
        start: the file's first `HEADER_BYTES`, or all of it.
    """
    header = start.lstrip(b"\xef\xbb\xbf\r\n").splitlines()[:1]
    line = header[0].decode("utf-8", "replace") if header else ""
    return "," if "," in line else max(",;\t|", key=line.count)
