"""JSON lines: one object a line, a key a column; a key that a line leaves out is a missing value."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from lineal.datasets.sources import text, values
from lineal.datasets.sources.base import BlockTooSmall, Plan, SourceFile, TypeChanged, agreed, planned
from lineal.datasets.sources.opening import lines_of, opened
from lineal.datasets.types import converted
from lineal.errors import SourceError

_LINES = 10_000


class JsonLines:
    """JSON lines: by pyarrow while each column is of one plain kind, line by line in Python where not."""

    def guess(self, files: Sequence[SourceFile], block: int) -> Plan:
        """Plan from each file's first block."""
        heads = []
        for file in files:
            with opened(file) as stream:
                heads.append(next(_read(file, stream, block)).schema)
        if any(set(head.names) != set(heads[0].names) for head in heads):
            raise TypeChanged
        kinds = {
            name: _agreed([head.field(name).type for head in heads]) for name in agreed(files, [h.names for h in heads])
        }
        moments = [name for name, kind in kinds.items() if pa.types.is_timestamp(kind) or pa.types.is_string(kind)]
        if moments:
            # pyarrow took every text that reads as a time for one of whole seconds, and a finer time for text: look at
            # the text itself.
            chains = {name: list(text.TEMPORAL) for name in moments}
            plain = pa.schema([(name, pa.string() if name in moments else kind) for name, kind in kinds.items()])
            for file in files:
                with opened(file) as stream:
                    _narrow(chains, next(_read(file, stream, block, plain)).select(moments))
            kinds |= {name: chain[0] for name, chain in chains.items()}
        return planned(kinds)

    def infer(self, files: Sequence[SourceFile], block: int) -> Plan:
        """Plan from every value; each column's kind is what all its values have in common."""
        kinds: dict[str, set[str]] = defaultdict(set)
        chains: dict[str, list[pa.DataType]] = defaultdict(lambda: list(text.TEMPORAL))
        names: list[list[str]] = []
        for file in files:
            found: dict[str, None] = {}
            for rows in _objects(file, strict=True):
                texts: dict[str, set[str]] = defaultdict(set)
                for row in rows:
                    for name, value in row.items():
                        kind = _kind(value)
                        kinds[name].add(kind)
                        if kind == "text":
                            texts[name].add(value)
                    found.update(dict.fromkeys(row))
                for name, some in texts.items():
                    if len(chains[name]) > 1:
                        _narrow(chains, pa.record_batch({name: _text_array(file, sorted(some))}))
            if not found:
                raise _empty(file)
            names.append(list(found))
        return planned({name: _settled(kinds[name], chains[name]) for name in agreed(files, names)}, exact=True)

    def batches(self, file: SourceFile, stream: BinaryIO, plan: Plan, block: int) -> Iterator[pa.RecordBatch]:
        """Give the rows as the plan has them."""
        made = _by_line(file, stream, plan) if plan.exact else _by_block(file, stream, plan, block)
        for columns in made:
            yield pa.RecordBatch.from_arrays(
                [converted(column, field.type) for column, field in zip(columns, plan.schema, strict=True)],
                schema=plan.schema,
            )


def _read(file: SourceFile, stream: BinaryIO, block: int, schema: pa.Schema | None = None) -> Iterator[pa.RecordBatch]:
    parse = None if schema is None else pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        reader = pa_json.open_json(stream, pa_json.ReadOptions(block_size=block), parse)
        reader.schema.names  # noqa: B018  # decodes the keys
        for batch in reader:
            batch.validate(full=True)
            yield batch
    except (pa.ArrowInvalid, UnicodeDecodeError) as problem:
        if "straddl" in str(problem):
            raise BlockTooSmall from problem
        if "Empty JSON" in str(problem):
            raise _empty(file) from problem
        # Whether it is a change of kind or a broken line is for Python's own reader to say.
        raise TypeChanged from problem


def _by_block(file: SourceFile, stream: BinaryIO, plan: Plan, block: int) -> Iterator[list[pa.Array]]:
    times = [pa.types.is_temporal(field.type) for field in plan.parsed]
    plain = pa.schema(
        [(field.name, pa.string() if time else field.type) for field, time in zip(plan.parsed, times, strict=True)]
    )
    for batch in _read(file, stream, block, plain):
        columns = []
        for field, time in zip(plan.parsed, times, strict=True):
            column = batch.column(field.name)
            columns.append(_time(column, field.type) if time else column)
        yield columns


def _time(column: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return text.parsed(column, kind, missing=())
    except pa.ArrowInvalid as problem:
        raise TypeChanged from problem


def _by_line(file: SourceFile, stream: BinaryIO, plan: Plan) -> Iterator[list[pa.Array]]:
    for rows in _objects(file, stream):
        columns = []
        for field in plan.parsed:
            found = [row.get(field.name) for row in rows]
            if pa.types.is_temporal(field.type):
                columns.append(_time(_text_array(file, found), field.type))
            elif pa.types.is_string(field.type):
                columns.append(_text_array(file, found))
            elif pa.types.is_floating(field.type):
                columns.append(values.numbers(found, whole=False))
            else:
                columns.append(pa.array(found, field.type))
        yield columns


def _objects(
    file: SourceFile, stream: BinaryIO | None = None, *, strict: bool = False
) -> Iterator[list[dict[str, Any]]]:
    """Give the objects of a file, some thousands at a time; `strict` looks for keys that come twice."""
    hook = _once if strict else None
    with opened(file) if stream is None else nullcontext(stream) as source, lines_of(source) as reader:
        lines = enumerate(reader, 1)
        while some := list(islice(lines, _LINES)):
            yield [_object(file, number, line, hook) for number, line in some if line.strip(b"\xef\xbb\xbf \t\r\n")]


def _object(file: SourceFile, number: int, line: bytes, hook: Any) -> dict[str, Any]:
    try:
        value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"), object_pairs_hook=hook)
    except UnicodeDecodeError as problem:
        raise _bad_line(file, number, "is not UTF-8 text; save the file as UTF-8") from problem
    except _KeyTwiceError as problem:
        raise _bad_line(file, number, f"has the key {problem.args[0]!r} twice; rename one of them") from problem
    except (ValueError, RecursionError) as problem:
        if number == 1 and line.lstrip()[:1] == b"[":
            raise _bad_line(file, number, "begins a JSON array; write one object a line (JSON lines)") from problem
        reason = f" (column {problem.colno})" if isinstance(problem, json.JSONDecodeError) else ""
        raise _bad_line(file, number, f"is not valid JSON{reason}; each line must be one whole object") from problem
    if isinstance(value, list):
        raise _bad_line(file, number, "is a JSON array; write one object a line (JSON lines)")
    if not isinstance(value, dict):
        raise _bad_line(file, number, "is no JSON object; each line must be one whole object")
    return value


class _KeyTwiceError(Exception):
    """A key comes twice in one object."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _KeyTwiceError(next(name for name in names if names.count(name) > 1))
    return made


def _text_array(file: SourceFile, found: Sequence[Any]) -> pa.Array:
    try:
        return values.texts(found)
    except UnicodeEncodeError as problem:
        raise SourceError(
            f"{file.uri} holds half a surrogate pair, which is no Unicode text; write the file again", uri=file.uri
        ) from problem


def _narrow(chains: dict[str, list[pa.DataType]], batch: pa.RecordBatch) -> None:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        distinct = pc.unique(column)
        chains[name][:] = [kind for kind in chains[name] if text.fits(distinct, kind, missing=())]


def _agreed(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """What pyarrow found in the files' heads, as one kind."""
    left = set(kinds) - {pa.null()}
    if any(pa.types.is_nested(kind) for kind in left):
        raise TypeChanged
    if len(left) > 1:
        if left == {pa.int64(), pa.float64()}:
            return pa.float64()
        if all(pa.types.is_string(kind) or pa.types.is_timestamp(kind) for kind in left):
            return pa.string()
        raise TypeChanged
    return left.pop() if left else pa.null()


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        small = -(1 << 63) <= value < 1 << 63
        return "int" if small else "float" if abs(value) < 1 << 1023 else "other"
    return {float: "float", str: "text"}.get(type(value), "other")


def _settled(kinds: set[str], chain: list[pa.DataType]) -> pa.DataType:
    match sorted(kinds - {"null"}):
        case []:
            return pa.null()
        case ["bool"]:
            return pa.bool_()
        case ["int"]:
            return pa.int64()
        case ["float"] | ["float", "int"]:
            return pa.float64()
        case ["text"]:
            return chain[0]
        case _:
            return pa.string()


def _empty(file: SourceFile) -> SourceError:
    return SourceError(f"{file.uri} is empty; it needs one JSON object a line", uri=file.uri)


def _bad_line(file: SourceFile, number: int, what: str) -> SourceError:
    return SourceError(f"{file.uri} line {number} {what}", uri=file.uri, line=number)
