"""Prediction ids: short, and each leads to its run, its file and its row without an index a row.

`p01k2m9c3q8x4_17` is row 17 of the batch that one scoring run predicted. After the `p` come the first 60 bits of that
run's OpenLineage id (its time to the millisecond and 12 bits more; the version digit between them is always 7 and left
out) in 12 digits of Crockford's base 32: lower case, without i, l, o and u, which are read as 1, 1, 0 and v. They are
the beginning of the run's id, so that an index on run ids finds the run, and its output the file; after `_` stands
the row's number, counted from 1, and a Parquet footer says which row group holds it. An id can be known before a byte
of the file is written, which is named after its content; it is safe in URLs, shells and file names, and a double click
takes it whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

import pyarrow as pa

from lineal.errors import SubjectError

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 12
_ALIKE = str.maketrans("oilu", "011v")
_FORM = re.compile(rf"p([{_DIGITS}]{{{_LENGTH}}})_([1-9]\d{{0,17}})")


@dataclass(frozen=True, slots=True)
class PredictionPlace:
    """Where a prediction is to be found.

    Attributes:
        run_prefix: what the OpenLineage id of the scoring run begins with, as text: `0198a4d1-9c2b-7f3a`.
        row: its 1-based number in the batch and in the table of predictions.
    """

    run_prefix: str
    row: int


def batch_prefix(run_id: UUID) -> str:
    """What the ids of all predictions of a scoring run begin with, up to the row: `p01k2m9c3q8x4_`.

    Args:
        run_id: the scoring run's OpenLineage id, of version 7.

    Raises:
        ValueError: it is of another version.
    """
    if run_id.version != 7:
        raise ValueError(f"a prediction id takes a run id of version 7, and {run_id} is none")
    bits = (run_id.int >> 80) << 12 | (run_id.int >> 64) & 0xFFF
    digits = "".join(_DIGITS[bits >> 5 * place & 31] for place in reversed(range(_LENGTH)))
    return f"p{digits}_"


def prediction_ids(prefix: str, start: int, count: int) -> pa.Array:
    """The ids of `count` rows, the first of which has the 1-based number `start`."""
    import pyarrow.compute as pc

    rows = pa.array(range(start, start + count), pa.int64()).cast(pa.string())
    return pc.binary_join_element_wise(prefix, rows, "")


def prediction_place(prediction_id: str) -> PredictionPlace:
    """Say where a prediction is to be found; the inverse of `batch_prefix` and a row.

    Raises:
        SubjectError: the text is no prediction id.
    """
    found = _FORM.fullmatch(prediction_id.strip().lower()[:1] + prediction_id.strip().lower()[1:].translate(_ALIKE))
    if found is None:
        raise SubjectError(
            f"{prediction_id!r} is no prediction id; they look like p01k2m9c3q8x4_17 "
            "and stand in the column prediction_id of a table of predictions",
            subject=f"prediction:{prediction_id}",
        )
    bits = 0
    for digit in found[1]:
        bits = bits << 5 | _DIGITS.index(digit)
    text = f"{bits >> 12:012x}"
    return PredictionPlace(f"{text[:8]}-{text[8:]}-7{bits & 0xFFF:03x}", int(found[2]))
