"""Arrow tables as pandas frames, the same whether a table comes whole or in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd


def as_frame(table: pa.Table | pa.RecordBatch, *, plain_text: bool = False) -> pd.DataFrame:
    """Turn a table into a frame.

    Integers and booleans with missing values become pandas' nullable `Int64` and `boolean`, so that no integer turns
    into a float; without, `int64` and `bool`. Text is pandas' `str`, dates and times are `datetime64`.

    Args:
        table: of the few types that a version has.
        plain_text: give text as Python's own strings (`object`), which are much faster to go through one by one.
    """
    import pandas as pd

    nullable = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}
    series = {
        name: pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
        if plain_text and pa.types.is_string(column.type)
        else column.to_pandas(types_mapper=nullable.get if column.null_count else None, date_as_object=False)
        for name, column in zip(table.schema.names, table.columns, strict=True)
    }
    return pd.DataFrame(series, index=pd.RangeIndex(table.num_rows), copy=False)
