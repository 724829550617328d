"""One record: in which snapshots it stands, which models learned from it, and what was predicted for it.

Found in the versions' own bytes, by the value of the pipeline's id column, or by file and row number:
exactly, and by reading of each file only what its statistics leave. A split's part tells which snapshot row each of its
rows is, so that the parts are not searched again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

import sqlalchemy as sa

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.remembered import fingerprint_of
from lineal.datasets.rows import as_values, row_of
from lineal.datasets.search import Hits, Search, search
from lineal.datasets.types import ROW
from lineal.errors import LinealError, SubjectError
from lineal.questions.decisions import on_predictions
from lineal.questions.descent import Descent, descend
from lineal.questions.impact import ModelReached, answer
from lineal.questions.records import recorded
from lineal.questions.records.interface import Appearance, Predicted, RecordImpact
from lineal.store import graph, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.subjects import Subject

_PARTS = {"train": "training", "test": "held out"}
_PREDICTED = ("prediction_id", "prediction", "model_version")


def record_impact(store: Store, subject: Subject) -> RecordImpact:
    """Find one record in all that was made of it.

    Raises:
        SubjectError: no such pipeline, or the record stands nowhere.
    """
    asked = _Asked(store, subject)
    appearances = asked.appearances()
    predictions = asked.predictions()
    if not appearances and not predictions and asked.by_place():
        appearances = asked.appearances()
        predictions = asked.predictions()
    if not appearances and not predictions:
        raise asked.unknown()
    learned, judged = asked.models(appearances)
    return RecordImpact(
        subject=str(subject),
        column=asked.column if asked.file is None else None,
        snapshots=tuple(appearances),
        learned=learned,
        judged=judged,
        predictions=tuple(predictions),
        searched=len(asked.snapshots) + len(asked.batches),
        missing=tuple(dict.fromkeys([*asked.missing, *asked.nameless])),
        ids=tuple(asked.of_place),
    )


class _Asked:
    """One question about one record."""

    def __init__(self, store: Store, subject: Subject) -> None:
        self.store, self.subject = store, subject
        self.pipeline, self.value = subject.name, subject.version or ""
        self.cache = Cache()
        self.missing: list[str] = []
        self.nameless: list[str] = []
        self.snapshots = self._versions("snapshot")
        if not self.snapshots:
            raise self._no_pipeline()
        self.batches = self._versions("predictions")
        self.ids = recorded.id_columns(store, self.snapshots)
        # The newest first: the pipeline may have called its id column otherwise before.
        named = (self.ids.get(row.key) for row in reversed(self.snapshots))
        self.columns = tuple(dict.fromkeys(name for name in named if name))
        self.column = next(iter(self.columns), None)
        self.file: str | None = None
        self.row = 0
        if self.column is None:
            self.file, self.row = self._file_and_row()
        self.of_place: dict[str, None] = {}

    def by_place(self) -> bool:
        """Go over to file and row, where an id column knows no such value and it can be read as these."""
        if self.column is None or self._place() is None:
            return False
        self.file, self.row = self._file_and_row()
        self.nameless.clear()  # a row of a batch needs no id
        return True

    def appearances(self) -> list[Appearance]:
        """Where the record stands, oldest snapshot first."""
        found: list[tuple[VersionRow, int]] = []
        if self.file is not None:
            found = self._rows_of_file(self.snapshots, self.file, self.row)
            if self.column:
                for row, number in found:
                    for _, path in self._there([row]):
                        self._tell(row, self._hit(row, path, number))
        else:
            there = self._there(row for row in self.snapshots if self.ids.get(row.key) or self.column)
            hits = search(Search(path, self.ids.get(row.key) or self.column or "", self.value) for row, path in there)
            for (row, _), hit in zip(there, hits, strict=True):
                self._tell(row, hit)
                found += [(row, number) for number in hit.rows]
        parts = self._parts(found)
        times = recorded.times(self.store, {row.key for row, _ in found})
        sources = recorded.sources(self.store, (row for row, _ in found))
        return [
            _appearance(row, number, sources.get(row.key) or [], part, times.get(row.key))
            for row, number in found
            for part in parts.get((row.key, number)) or (None,)
        ]

    def predictions(self) -> list[Predicted]:
        """What was predicted for the record, oldest first."""
        if self.file is not None:
            places = self._scored_by_place()
            rows, hits = [row for row, *_ in places], [self._hit(*place) for place in places]
        else:
            there = self._there(self.batches)
            rows = [row for row, _ in there]
            hits = search(self._search(row, path) for row, path in there)
        found = []
        keys = {row.key for row, hit in zip(rows, hits, strict=True) if hit.rows}
        times, notes = recorded.times(self.store, keys), on_predictions(self.store, keys)
        for row, hit in zip(rows, hits, strict=True):
            self._tell(row, hit)
            for number, values in zip(hit.rows, hit.values, strict=False):
                found.append(
                    Predicted(
                        prediction_id=values.get("prediction_id"),
                        prediction=values.get("prediction"),
                        probabilities={
                            name.removeprefix("probability_"): value
                            for name, value in values.items()
                            if name.startswith("probability_")
                        },
                        model_version=values.get("model_version"),
                        table=row.name,
                        version=row.version,
                        row=number + 1,
                        predicted_at=times.get(row.key),
                        notes=tuple(notes.get(f"prediction:{values.get('prediction_id')}", ())),
                    )
                )
        return found

    def _scored_by_place(self) -> list[tuple[VersionRow, Path, int]]:
        """Where the predictions of a row of a file are: a table of predictions has its batch's rows in their order."""
        found: list[tuple[VersionRow, Path, int]] = []
        for batch, number in self._rows_of_file(self._versions("batch"), self.file or "", self.row):
            reached = descend(self.store, (batch,), depth=1).reached.values()
            scored = [each.version for each in reached if each.version.name == f"{self.pipeline}.predictions"]
            found += [(row, path, number) for row, path in self._there(scored)]
        return found

    def _hit(self, row: VersionRow, path: Path, number: int) -> Hits:
        """One row of a table, by its number; its id is noted."""
        try:
            values = as_values(row_of(Dataset(path, name=row.name, version=row.version), number))
        except LinealError as problem:
            return Hits(problem=problem.message)
        known = next((values[name] for name in self.columns if values.get(name) is not None), None)
        if known is not None:
            self.of_place[str(known)] = None
        return Hits((number,), (values,))

    def models(self, found: list[Appearance]) -> tuple[tuple[ModelReached, ...], tuple[ModelReached, ...]]:
        """The models that learned from the record, and those that were judged by it."""
        keys: dict[str, list[str]] = {"training": [], "held out": []}
        for each in found:
            if each.part and each.part_version:
                side = "train" if each.part == "training" else "test"
                namespace = next(row.namespace for row in self.snapshots if row.version == each.version)
                keys[each.part].append(graph.version_key(namespace, f"{self.pipeline}.{side}", each.part_version))
        learned = self._below(keys["training"])
        models = answer(self.store, "", learned).models
        judged = answer(self.store, "", self._below(keys["held out"])).judged
        return models, judged

    def unknown(self) -> SubjectError:
        """The error of a record that stands nowhere."""
        count = len(self.snapshots)
        where = f"none of the {count} snapshots of {self.pipeline} has a record"
        if count == 1:
            where = f"the one snapshot of {self.pipeline} has no record"
        holds = (
            f"with {' or '.join(self.columns)} = {self.value}" if self.columns else f"of row {self.row} of {self.file}"
        )
        if self.column and self.file is not None:
            holds += f", and none is row {self.row} of a file {self.file}"
        said = f"{self.subject}: {where} {holds}"
        missing = [*self.missing, *self.nameless]
        if missing:
            said += f", as far as can be told: {missing[0]}"
            said += f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        return SubjectError(f"{said}; see to the id, or `lineal list datasets`", subject=str(self.subject))

    def _no_pipeline(self) -> SubjectError:
        columns = tables.datasets.c
        names = [
            str(row.name).removesuffix(".snapshot")
            for row in self.store.read(sa.select(columns.name).where(columns.name.endswith(".snapshot")))
        ]
        near = get_close_matches(self.pipeline, names, n=1, cutoff=0.5)
        hint = f"did you mean record:{near[0]}/{self.value}?" if near else "see `lineal list datasets`"
        return SubjectError(
            f"{self.subject}: no snapshot of a pipeline {self.pipeline!r} is on record; {hint}",
            subject=str(self.subject),
        )

    def _versions(self, table: str) -> list[VersionRow]:
        return recorded.versions(self.store, f"{self.pipeline}.{table}")

    def _place(self) -> tuple[str, int] | None:
        """The value as FILE#ROW; None where it is none."""
        file, mark, row = self.value.rpartition("#")
        return (file, int(row)) if mark and file and row.isdecimal() and int(row) > 0 else None

    def _file_and_row(self) -> tuple[str, int]:
        place = self._place()
        if place is None:
            raise SubjectError(
                f"{self.subject}: the pipeline {self.pipeline} names no id column, so a record of it is known by file "
                f"and row; write record:{self.pipeline}/FILE#ROW, such as record:{self.pipeline}/data.csv#7",
                subject=str(self.subject),
            )
        return place

    def _rows_of_file(self, versions: list[VersionRow], file: str, row: int) -> list[tuple[VersionRow, int]]:
        """The rows of some tables that were read from one row of a file."""
        found = []
        sources = recorded.sources(self.store, versions)
        for version in versions:
            start = 0
            for name, count in sources.get(version.key) or ():
                rows = count or 0
                path = PurePosixPath(name)
                if row <= rows and (str(path) == file or path.name == file or str(path).endswith(f"/{file}")):
                    found.append((version, start + row - 1))
                start += rows
        return found

    def _parts(self, found: list[tuple[VersionRow, int]]) -> dict[tuple[str, int], list[tuple[str, str]]]:
        """In which part of each split each row of a snapshot stands; a snapshot may be split by several seeds."""
        wanted: dict[str, list[int]] = defaultdict(list)
        for row, number in found:
            wanted[row.key].append(number)
        snapshots = {row.key: row for row, _ in found}
        made_of: dict[str, list[VersionRow]] = defaultdict(list)
        for reached in descend(self.store, tuple(snapshots.values()), depth=1).reached.values():
            for key in reached.sources:
                made_of[key].append(reached.version)
        searches: list[tuple[str, int, str, VersionRow]] = []
        asked: list[Search] = []
        for key, numbers in wanted.items():
            for version in made_of[key]:
                side = version.name.removeprefix(f"{self.pipeline}.")
                if side not in _PARTS:
                    continue
                for _, path in self._there([version]):
                    for number in numbers:
                        searches.append((key, number, _PARTS[side], version))
                        asked.append(Search(path, ROW, number))
        parts: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
        for (key, number, part, version), hit in zip(searches, search(asked), strict=True):
            self._tell(version, hit)
            if hit.rows:
                parts[key, number].append((part, version.version))
        return parts

    def _below(self, keys: list[str]) -> Descent:
        return descend(self.store, tuple(graph.versions(self.store, keys).values()))

    def _there(self, rows: Iterable[VersionRow]) -> list[tuple[VersionRow, Path]]:
        """The versions whose bytes are here, and are what was recorded; the others are told as missing."""
        found = []
        for row in rows:
            path = self.cache.located(row.version) if row.version else None
            if path is None:
                self.missing.append(
                    f"the bytes of {row.name}@{row.version[:12]} are not in the cache {self.cache.root}"
                )
            elif fingerprint_of(path).md5 != row.version:
                self.missing.append(f"{row.name}@{row.version[:12]} is not what was recorded: {path} was altered")
            else:
                found.append((row, path))
        return found

    def _tell(self, row: VersionRow, hits: Hits) -> None:
        if hits.problem is not None:
            self.missing.append(f"{row.name}@{row.version[:12]} cannot be read: {hits.problem}")

    def _search(self, row: VersionRow, path: Path) -> Search:
        """The search of a table of predictions, which has one of the id columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            names = pq.read_schema(path).names
        except (OSError, pa.ArrowException):
            names = list(self.columns)  # the search will say what is wrong with it
        column = next((name for name in self.columns if name in names), None)
        if column is None:
            self.nameless.append(f"{row.name}@{row.version[:12]} has no column {' or '.join(self.columns)}")
        wanted = (name for name in names if name in _PREDICTED or name.startswith("probability_"))
        return Search(path, column or "", self.value, tuple(wanted))


def _appearance(
    snapshot: VersionRow,
    number: int,
    sources: list[tuple[str, int | None]],
    part: tuple[str, str] | None,
    made_at: str | None,
) -> Appearance:
    start, source, source_row = 0, None, None
    for name, rows in sources:
        if rows is None:
            break
        if number < start + rows:
            source, source_row = name, number - start + 1
            break
        start += rows
    side, version = part or (None, None)
    return Appearance(snapshot.name, snapshot.version, number + 1, source, source_row, side, version, made_at)
