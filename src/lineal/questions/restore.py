"""Restore: a recorded version's bytes, back from DVC's cache or remote, and known to be those that were recorded."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lineal.datasets.cache import Cache
from lineal.datasets.hashing import Fingerprint, writing
from lineal.datasets.newfile import new_file, require_free
from lineal.datasets.remembered import fingerprint_of
from lineal.datasets.versioning.linking import put
from lineal.datasets.versioning.pointer import file_name
from lineal.errors import StorageError, SubjectError, VersionError
from lineal.questions import lookup
from lineal.store import graph, producers
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.subjects import Subject

_ENDINGS = (".parquet", ".pq", ".csv")


@dataclass(frozen=True, slots=True)
class Restored:
    """A version that is back.

    Attributes:
        subject: the dataset and its whole version.
        name: of the dataset.
        version: MD5 of the bytes.
        sha256: of the bytes, as recorded; None where that was not.
        size: in bytes.
        rows: as recorded; None where that was not.
        origin: where the bytes were had from.
        remote: the DVC remote that they came from; None where they were in the cache.
        path: where they lie now: the file that was asked for, else the cache's.
    """

    subject: str
    name: str
    version: str
    sha256: str | None
    size: int
    rows: int | None
    origin: Literal["cache", "remote"]
    remote: str | None
    path: Path


def restore_dataset(
    store: Store, subject: Subject, to: Path | None = None, *, force: bool = False, cache: Cache | None = None
) -> Restored:
    """Bring a dataset version's bytes back, and check them against their MD5 and the recorded SHA-256.

    Args:
        store: the lineage store.
        subject: the dataset version.
        to: the file to write: Parquet as it is, or as CSV, by its ending; or a folder for a Parquet file. Default none:
            the bytes are seen to be in the cache.
        force: replace a file that is there.
        cache: where the bytes are looked for.

    Raises:
        SubjectError: the version is unknown, or its bytes were never kept.
        VersionError: they are nowhere to be had, or only altered.
        StorageError: `to` is there already, of no known ending, or cannot be written.
    """
    row = lookup.find_version(store, subject)
    asked = lookup.subject_of(store, row)
    if not row.version:
        raise SubjectError(
            f"{asked}: no version of it is on record, so there are no bytes to bring back", subject=str(asked)
        )
    target = None if to is None else _target(to, row, force)
    facts = _Facts.of(store, row)
    cache = cache or Cache()
    try:
        if target is None:
            path = cache.get(row.version, thorough=True)
            _require_recorded(asked, row, facts, fingerprint_of(path))
        else:
            with new_file(target, force=force) as path:
                _require_recorded(asked, row, facts, _written(cache, row.version, path))
            path = target
    except VersionError as problem:
        if row.kind == "FILE" and not facts.pointed and cache.located(row.version) is None:
            raise SubjectError(
                f"{asked}: of a source only the hash was kept, not its bytes; restore the snapshot that was made from "
                "it (`lineal list datasets`), and track the source with `dvc add` from now on",
                subject=str(asked),
            ) from problem
        raise VersionError(f"{asked}: {problem}", version=row.version) from problem
    marks = fingerprint_of(cache.get(row.version))
    remote = cache.repository.remote if cache.repository and row.version in cache.fetched else None
    return Restored(
        subject=str(asked),
        name=row.name,
        version=row.version,
        sha256=facts.sha256,
        size=marks.size,
        rows=facts.rows,
        origin="cache" if remote is None else "remote",
        remote=remote,
        path=path,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is on record of a version, beside its name."""

    rows: int | None = None
    sha256: str | None = None
    pointed: bool = False

    @classmethod
    def of(cls, store: Store, row: VersionRow) -> _Facts:
        run = producers.last_producer(store, row.key) or producers.last_reader(store, row.key)
        for body in graph.bodies(store, [run.last_seq] if run else []).values():
            event = json.loads(body)
            for dataset in (*(event.get("outputs") or ()), *(event.get("inputs") or ())):
                facets = dataset.get("facets") or {}
                version = (facets.get("version") or {}).get("datasetVersion", "")
                if graph.version_key(dataset["namespace"], dataset["name"], version) == row.key:
                    return cls._of(dataset, facets)
        return cls()

    @classmethod
    def _of(cls, dataset: Mapping[str, Any], facets: Mapping[str, Any]) -> _Facts:
        counted = {**(dataset.get("inputFacets") or {}), **(dataset.get("outputFacets") or {})}
        statistics = counted.get("outputStatistics") or counted.get("inputStatistics") or {}
        dvc = facets.get("lineal_dvc") or {}
        return cls(statistics.get("rowCount"), dvc.get("sha256"), bool(dvc))


def _require_recorded(asked: Subject, row: VersionRow, facts: _Facts, marks: Fingerprint) -> None:
    if facts.sha256 not in (None, marks.sha256):
        raise VersionError(
            "its bytes have the recorded MD5 and another SHA-256 than was recorded, so they were forged; remove them "
            "from cache and remote",
            version=row.version,
        )


def _target(to: Path, row: VersionRow, force: bool) -> Path:
    """The file to write, before anything is done for it."""
    target = (to / file_name(row.name.rpartition("/")[2]) if to.is_dir() else to).absolute()
    require_free(target, force=force, endings=_ENDINGS)
    return target


def _written(cache: Cache, version: str, file: Path) -> Fingerprint:
    """Write a version to a file, checked; give the fingerprint of its bytes."""
    path = cache.get(version)
    if file.suffix.lower() == ".csv":
        _as_csv(path, file)
    else:
        with writing(file):
            if put(path, file, cache.repository.links if cache.repository else ()) in ("copy", "reflink"):
                file.chmod(0o666 & ~_umask())
    return fingerprint_of(path)


def _as_csv(path: Path, file: Path) -> None:
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as parquet, writing(file), file.open("wb") as out:
            schema = parquet.schema_arrow
            with pa_csv.CSVWriter(out, schema) as writer:
                for batch in parquet.iter_batches():
                    writer.write_batch(batch)
    except pa.ArrowInvalid as problem:
        raise StorageError(f"{path} cannot be written as CSV: {problem}; restore it to a *.parquet file") from problem
    file.chmod(0o666 & ~_umask())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
