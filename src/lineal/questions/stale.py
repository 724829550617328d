"""Stale: which models and predictions rest on data, code or a pipeline file that is no longer the newest.

The record is held against what is there now: source files by size and hash, newer snapshots on record, the pipeline
file key by key, and the project's work tree against the recorded commit. What cannot be told is said, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from lineal import settings as project_settings
from lineal.errors import LinealError
from lineal.questions import lookup
from lineal.questions.diff.causes import matters
from lineal.questions.diff.code import changes, has, is_code
from lineal.questions.diff.interface import Setting
from lineal.questions.diff.record import Record, Table, local, read_record, scope_of
from lineal.questions.lookup import ModelRow
from lineal.redaction import redact_urls
from lineal.store import graph, tables
from lineal.store.log import Store
from lineal.store.runs import find_run

What = Literal["data", "pipeline file", "code", "model"]
# Tables of predictions, by the ends of their names.
_PREDICTIONS = (".predictions", ".evaluation")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is no longer as it was.

    Attributes:
        about: data, pipeline file, code or model.
        sentence: for a person.
        matters: whether running again could give another result because of it.
    """

    about: What
    sentence: str
    matters: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """A model or a table of predictions, held against what is there now.

    Attributes:
        subject: what it is.
        holds: the aliases that a model holds.
        made_at: when it was made.
        run_id: of the flow that made it.
        findings: what is no longer as it was.
        unknown: a sentence for each thing that could not be told.
    """

    subject: str
    holds: tuple[str, ...]
    made_at: str | None
    run_id: str | None
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...] = ()

    @property
    def stale(self) -> bool:
        """Whether anything is no longer as it was."""
        return bool(self.findings)

    @property
    def again(self) -> bool:
        """Whether running again could change it."""
        return any(finding.matters for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Stale:
    """The answer to `stale`.

    Attributes:
        items: those that are stale.
        fresh: the subjects that rest on what is still the newest, as far as can be told.
        unknown: of the fresh ones, what could not be told.
    """

    items: tuple[Item, ...]
    fresh: tuple[str, ...]
    unknown: tuple[str, ...]


def stale(store: Store, *, everything: bool = False) -> Stale:
    """Find what rests on something that is no longer the newest.

    Args:
        store: the lineage store.
        everything: look at every registered model, not only at those that hold an alias.
    """
    now = _Now(store)
    models = [model for model in lookup.models(store) if everything or model.aliases]
    items = [now.model(model) for model in models]
    items += [item for name in _prediction_tables(store) if (item := now.predictions(*name)) is not None]
    unknown = dict.fromkeys(sentence for item in items if not item.stale for sentence in item.unknown)
    return Stale(
        items=tuple(item for item in items if item.stale),
        fresh=tuple(item.subject for item in items if not item.stale),
        unknown=tuple(unknown),
    )


class _Now:
    """What is there now; a file is hashed once, however many models rest on it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._hashes: dict[Path, str] = {}

    def model(self, model: ModelRow) -> Item:
        """Hold a model against what is there now."""
        subject = str(lookup.subject_of(self.store, model))
        run = scope_of(self.store, model.run_id)
        if run is None:
            return Item(
                subject, model.aliases, model.registered_at, None, (), (f"{subject}: its run is not on record",)
            )
        record = read_record(self.store, run)
        findings, unknown = self._look(record)
        return Item(subject, model.aliases, model.registered_at, run.run_id, findings, unknown)

    def predictions(self, namespace: str, name: str) -> Item | None:
        """Hold the newest version of a table of predictions against what is there now."""
        newest = _newest(self.store, namespace, name)
        if newest is None:
            return None
        version, run_id = newest
        run = scope_of(self.store, run_id)
        if run is None:
            return None
        record = read_record(self.store, run)
        findings, unknown = self._look(record)
        # An evaluation reads the champion to beat it; only predictions are a model's.
        moved = tuple(self._superseded(record, run_id)) if name.endswith(".predictions") else ()
        named = lookup.called(namespace, name, lookup.shared(self.store, tables.datasets, [name]))
        return Item(f"dataset:{named}@{version[:12]}", (), run.ended_at, run.run_id, (*moved, *findings), unknown)

    def _look(self, record: Record) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        unknown: list[str] = []
        findings = [
            *self._sources(record, unknown),
            *self._snapshot(record),
            *_pipeline_file(record, unknown),
            *_code(record, unknown),
        ]
        return tuple(findings), tuple(unknown)

    def _sources(self, record: Record, unknown: list[str]) -> Iterator[Finding]:
        sources = [table for table in record.read.values() if table.kind != "TABLE" and table.version]
        for table in sources:
            path = local(table.location) if table.namespace == "file" else None
            if path is None:
                unknown.append(f"{table.name} lies elsewhere, and was not asked whether it changed")
            elif not path.is_file():
                yield Finding("data", f"{_short(path)} is gone")
            elif self._changed(table, path):
                yield Finding("data", f"{_short(path)} has changed")
        for path in _new_files(record, {table.name for table in sources}):
            yield Finding("data", f"{_short(path)} is new in the source")

    def _changed(self, table: Table, path: Path) -> bool:
        # Another size is other content; the same size may be.
        if table.size is not None and path.stat().st_size != table.size:
            return True
        if path not in self._hashes:
            from lineal.datasets.hashing import fingerprint

            self._hashes[path] = fingerprint(path).md5
        return self._hashes[path] != table.version

    def _snapshot(self, record: Record) -> Iterator[Finding]:
        mine = record.table("snapshot")
        newest = _newest(self.store, mine.namespace, mine.name) if mine else None
        if mine and newest and newest[0] != mine.version:
            yield Finding("data", f"{mine.name} has a newer version, {newest[0][:12]}")

    def _superseded(self, record: Record, run_id: str) -> Iterator[Finding]:
        """Predictions of a model that was asked for by an alias, which another model has now."""
        if not record.uses:
            return
        columns = tables.models.c
        said = _prediction(self.store, run_id)
        used = lookup.models(self.store, which=columns.version.in_(record.uses))
        if not used:
            # Their registry had another address when they were registered.
            digests = {row.version for row in graph.versions(self.store, record.uses).values()}
            used = lookup.models(self.store, which=columns.digest.in_(digests))
        for model in used:
            if said and (model.name, model.number) != (said.get("model"), said.get("version")):
                continue
            others = (columns.namespace == model.namespace) & (columns.digest != model.digest)
            for holder in lookup.models(self.store, model.name, others):
                for alias in holder.aliases:
                    # A run of the user's own does not say how the model was asked for.
                    if alias == said.get("askedBy") if said else _held(self.store, model, alias):
                        was, now = model.number, holder.number
                        yield Finding("model", f"{model.name}@{alias} was version {was}, and is version {now} now")


def _prediction_tables(store: Store) -> list[tuple[str, str]]:
    columns = tables.datasets.c
    ends = sa.or_(*(columns.name.endswith(end) for end in _PREDICTIONS))
    query = sa.select(columns.namespace, columns.name).where(ends).order_by(columns.name)
    return [(row.namespace, row.name) for row in store.read(query)]


def _newest(store: Store, namespace: str, name: str) -> tuple[str, str] | None:
    """The version of a dataset that was written last, and the run that wrote it; an old one may be written again."""
    edges, runs, versions = tables.edges.c, tables.runs.c, tables.versions.c
    query = (
        sa.select(versions.version, runs.run_id)
        .join(tables.edges, edges.version == versions.key)
        .join(tables.runs, runs.run_id == edges.run_id)
        .where(versions.dataset == tables.key_of(namespace, name), edges.role == "o", runs.state == "COMPLETE")
        .order_by(runs.first_seq.desc())
        .limit(1)
    )
    found = store.read(query)
    return (found[0].version, found[0].run_id) if found else None


def _held(store: Store, model: ModelRow, alias: str) -> bool:
    columns = tables.aliases.c
    of = (columns.namespace == model.namespace) & (columns.name == model.name) & (columns.number == model.number)
    return bool(store.read(sa.select(columns.seq).where(of, columns.alias == alias).limit(1)))


def _prediction(store: Store, run_id: str) -> Mapping[str, Any]:
    """What a scoring run says of its predictions; nothing where it is none of Lineal's."""
    run = find_run(store, run_id)
    event = json.loads(store.event_at(run.last_seq)) if run else {}
    found: Mapping[str, Any] = ((event.get("run") or {}).get("facets") or {}).get("lineal_prediction") or {}
    return found


def _new_files(record: Record, known: set[str]) -> Iterable[Path]:
    """Files that a folder or glob means now and did not then."""
    uri, file = record.asked.get("source.uri"), record.asked.get("pipeline.file")
    if not uri or not file or "://" in uri or "source.query" in record.asked or not Path(file).exists():
        return []
    from lineal.datasets.cache import Cache
    from lineal.datasets.sources.resolve import resolved
    from lineal.progress import unwatched

    try:
        with resolved(uri, project_settings.project_of(Path(file)), Cache(), unwatched) as files:
            return [each.path for each in files if str(each.path) not in known] if len(files) > 1 else []
    except LinealError:
        return []  # what is gone is told of each file


def _pipeline_file(record: Record, unknown: list[str]) -> Iterator[Finding]:
    """The pipeline file as it is now against its recorded text, key by key."""
    import tomllib

    where = record.asked.get("pipeline.file")
    if where is None or record.source is None:
        return
    path = Path(where)
    try:
        now = redact_urls(path.read_bytes().decode("utf-8-sig"))
    except OSError:
        yield Finding("pipeline file", f"{_short(path)} is gone", matters=False)
        return
    except UnicodeDecodeError:
        yield Finding("pipeline file", f"{_short(path)} is no UTF-8 text any more")
        return
    if now == record.source:
        return
    try:
        before, after = (dict(_flat(tomllib.loads(text))) for text in (record.source, now))
    except tomllib.TOMLDecodeError as problem:
        yield Finding("pipeline file", f"{_short(path)} is no valid TOML any more: {problem}")
        return
    # What the run was told by --set it did not take from the file.
    told = {part.partition("=")[0] for part in record.asked.get("pipeline.set", "").split(" ") if "=" in part}
    keys = [
        key
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key) and not any(f"{key}.".startswith(f"{each}.") for each in told)
    ]
    telling = [key for key in keys if matters(Setting(key, before.get(key), after.get(key)))]
    if telling:
        yield Finding("pipeline file", f"{_short(path)}: {_some(_said(key, before, after) for key in telling)}")
    elif keys:
        said = _some(_said(key, before, after) for key in keys)
        yield Finding("pipeline file", f"{_short(path)}: {said}, which changes no result", matters=False)


def _said(key: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    return f"{key} {before.get(key, '-')} → {after.get(key, '-')}"


def _code(record: Record, unknown: list[str]) -> Iterator[Finding]:
    """The project's work tree against the recorded commit."""
    commit = str(record.environment.get("gitCommit") or "")
    project = project_settings.project_of(Path.cwd())
    if not commit:
        unknown.append("the run was outside git, so nothing is known of its code")
        return
    if not commit.isalnum() or not has(project, commit):
        unknown.append(f"the commit {commit[:12]} is not in the repository here, so its code cannot be compared")
        return
    dirty = record.environment.get("gitDirty")
    if dirty:
        from lineal.models.environment import environment

        here = environment(project).git
        known = record.environment.get("gitDiffSha256")
        if known and here and (here.commit, here.diff_sha256) == (commit, known):
            return
        unknown.append(f"the run had uncommitted changes over {commit[:12]}, which cannot be compared")
    files = [change.path for change in changes(project, commit, None) if is_code(change.path)]
    if files and not dirty:
        yield Finding("code", f"{_some(files)} changed since {commit[:12]}")


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{prefix}.{number}")
    else:
        yield prefix, str(value)


def _some(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def _short(path: Path) -> str:
    """A path as seen from the working folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
