"""Open a source file as the stream of its uncompressed bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import pyarrow as pa

from lineal.datasets.sources.base import SourceFile
from lineal.errors import SourceError

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}


@contextmanager
def opened(file: SourceFile, raw: BinaryIO | None = None) -> Iterator[BinaryIO]:
    """Give the uncompressed bytes of a file, read through `raw` where that is given.

    Raises:
        SourceError: the file is not what its compression's suffix says, or may not be read.
    """
    try:
        stream: Any = raw if raw is not None else file.path.open("rb")
    except OSError as problem:
        raise SourceError(f"{file.uri} cannot be read: {problem.strerror}", uri=file.uri) from problem
    with stream:
        if file.compression is None:
            yield stream
            return
        try:
            with pa.CompressedInputStream(stream, file.compression) as plain:
                yield cast("BinaryIO", plain)
        except OSError as problem:
            if problem.errno is not None:
                raise
            raise SourceError(
                f"{file.uri} is not a whole {file.compression} file; fetch it again, or correct its suffix",
                uri=file.uri,
            ) from problem


@contextmanager
def lines_of(stream: BinaryIO) -> Iterator[Iterable[bytes]]:
    """Give a stream's lines, whichever library it is from, and leave it open afterwards."""
    reader = io.BufferedReader(cast("io.RawIOBase", stream))
    try:
        yield reader
    finally:
        reader.detach()
