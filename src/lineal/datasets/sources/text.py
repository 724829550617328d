"""What text can be read as: types found from every value, so that blocks and files do not matter.

The order and the reading are pyarrow's own CSV inference: the first type of `CHAIN` that all values of a column fit;
only that `uint64` is one more, for ids are whole numbers that may be larger than `int64` holds.
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.csv as pc_csv

# Those of pandas, which people have learnt to expect.
MISSING = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
           "NA", "NULL", "NaN", "None", "n/a", "nan", "null")  # fmt: skip

TIMES = (
    pa.date32(),
    *(pa.timestamp(unit, zone) for unit in ("s", "ns") for zone in (None, "UTC")),
)
CHAIN = (pa.null(), pa.int64(), pa.uint64(), pa.bool_(), *TIMES, pa.float64(), pa.string())
"""What a CSV's column may be, the first that fits."""

TEMPORAL = (*TIMES, pa.string())
"""What a JSON string may be: it is no number, and its missing values are JSON's own `null`."""


def options(types: dict[str, pa.DataType] | None = None, missing: tuple[str, ...] = MISSING) -> pc_csv.ConvertOptions:
    """Return how text becomes values, the same wherever it is done; `missing` are the texts that stand for none."""
    return pc_csv.ConvertOptions(
        column_types=types,
        null_values=list(missing or ("",)),
        strings_can_be_null=True,
        # Where no text means "missing", an empty one is text as well; only nothing at all, unquoted, is missing.
        quoted_strings_can_be_null=bool(missing),
    )


def parsed(values: pa.Array, kind: pa.DataType, missing: tuple[str, ...] = MISSING) -> pa.Array:
    """Read text as `kind`, by the very code that reads a CSV's column.

    Raises:
        pyarrow.ArrowInvalid: a value does not fit.
    """
    if len(values) == 0:
        return pa.array([], kind)
    out = io.BytesIO()
    write = pc_csv.WriteOptions(include_header=False, quoting_style="needed")
    pc_csv.write_csv(pa.table({"v": values}), out, write)
    read = pc_csv.ReadOptions(column_names=["v"], block_size=max(len(out.getbuffer()) + 1, 1 << 16), use_threads=False)
    parse = pc_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    table = pc_csv.read_csv(io.BytesIO(out.getbuffer()), read, parse, options({"v": kind}, missing))
    return table.column("v").combine_chunks()


def fits(values: pa.Array, kind: pa.DataType, missing: tuple[str, ...] = MISSING) -> bool:
    """Say whether text can be read as `kind`."""
    if pa.types.is_string(kind):
        return True
    try:
        parsed(values, kind, missing)
    except pa.ArrowInvalid:
        return False
    return True
