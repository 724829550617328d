"""Choose the model that predicts: from its name and version or alias to a handle, and to the pipeline that made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from lineal import settings
from lineal.datasets.dataset import Column
from lineal.errors import EstimatorError, StoreError, SubjectError, TrackingError
from lineal.models import tracking
from lineal.models.model import Model
from lineal.models.tracking import RegisteredVersion
from lineal.pipeline import Pipeline, parse
from lineal.store import graph, recalls, tables
from lineal.store.log import Store
from lineal.store.runs import find_run
from lineal.subjects import Subject

# How many of several versions an error names.
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Chosen:
    """A registered model version, and the pipeline that it was made by.

    Attributes:
        model: the handle; its digest is the recorded one.
        name: of the registered model.
        number: of the version.
        alias: by which it was asked for; None where it was asked for otherwise.
        aliases: that it holds now.
        plan: the pipeline, from the text on record.
        notes: what its user should know, a sentence each.
    """

    model: Model
    name: str
    number: int
    alias: str | None
    aliases: tuple[str, ...]
    plan: Pipeline
    notes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The version as a subject."""
        return f"model:{self.name}@{self.number}"


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the lineage has of a registered version."""

    digest: str
    columns: tuple[Column, ...]
    text: str | None
    overrides: str


def choose(subject: Subject) -> Chosen:
    """Find a registered model version: what `lineal predict` predicts with.

    The registry says which version is meant and who holds an alias; the lineage, and where it does not know the version
    the registry's tag, says what the model must be.

    Args:
        subject: a model with a number, alias, or the beginning of a digest; without, the newest version.

    Raises:
        SubjectError: there is no such model or version, or several begin so.
        EstimatorError: registry and lineage do not agree on what the model is.
        TrackingError: it was not registered by Lineal, so that nobody knows what it must be.
    """
    namespace = tracking.namespace()
    # A question's answer may name the server as well, the one that is asked here.
    subject = replace(subject, name=subject.name.removeprefix(f"{namespace}/"))
    found, alias = _version(subject)
    recorded = _recorded(namespace, found.name, found.number)
    digest = recorded.digest if recorded else found.digest
    if not digest:
        raise TrackingError(
            f"{subject}: version {found.number} was not registered by Lineal, so its digest is not on record; "
            "train it with `lineal run`"
        )
    if found.digest is not None and found.digest != digest:
        raise EstimatorError(
            f"{subject}: MLflow has the digest {found.digest[:12]}… for version {found.number}, and the lineage "
            f"{digest[:12]}…; it may have been tampered with, so train it again or take another version"
        )
    tracked = tracking.tracked_run(found)
    if tracked is None:
        raise TrackingError(f"{subject}: MLflow has lost the run that made version {found.number}; train it again")
    model = Model(
        f"models/{found.name}",
        digest,
        found.uri,
        namespace,
        columns=recorded.columns if recorded else (),
        number=found.number,
        tracked=tracked,
    )
    plan = _plan(subject, tracked.run_id, recorded)
    return Chosen(model, found.name, found.number, alias, found.aliases, plan)


def _version(subject: Subject) -> tuple[RegisteredVersion, str | None]:
    name, wanted = subject.name, subject.version
    found: RegisteredVersion | None
    if wanted is None:
        found = tracking.newest_version(name)
        if found is None:
            raise _unknown(subject)
        return found, None
    number = wanted.removeprefix("v")
    if number.isascii() and number.isdigit() and len(number) < 10:
        found = tracking.version(name, int(number))
        if found is not None:
            return found, None
    elif found := tracking.holder(name, wanted):
        return found, wanted
    # The same training gives the same digest again: of equal models the newest version is meant.
    digests = {each.digest: each for each in tracking.versions(name) if each.digest and each.digest.startswith(wanted)}
    if len(wanted) >= 4 and len(digests) == 1:
        return next(iter(digests.values())), None
    raise _unknown(subject, several=len(digests) if len(wanted) >= 4 else 0)


def _unknown(subject: Subject, several: int = 0) -> SubjectError:
    known = tracking.versions(subject.name)[::-1]
    if not known:
        said = f"{subject}: no model {subject.name!r} is registered; see `lineal list models`"
        return SubjectError(said, subject=str(subject))
    shown = [f"{each.number}{''.join(f' @{alias}' for alias in each.aliases)}" for each in known[:_SHOWN]]
    more = ", …" if len(known) > _SHOWN else ""
    what = (
        f"{several} versions of model {subject.name} begin so"
        if several > 1
        else _taken_away(subject) or f"model {subject.name} has no version or alias {subject.version!r}"
    )
    return SubjectError(f"{subject}: {what}; there are {', '.join(shown)}{more}", subject=str(subject))


def _taken_away(subject: Subject) -> str | None:
    try:
        return recalls.taken_away(Store(create=False), subject.name, subject.version or "")
    except StoreError:
        return None  # what the registry has is told without it


def _recorded(namespace: str, name: str, number: int) -> _Recorded | None:
    """What the lineage has of a version; None where the store does not know it, as on a machine with one of its own."""
    columns = tables.models.c
    query = sa.select(tables.models).where(
        columns.namespace == namespace, columns.name == name, columns.number == number
    )
    try:
        store = Store(create=False)
    except StoreError:
        return None
    rows = store.read(query)
    if not rows:
        return None
    run = find_run(store, rows[0].run_id)
    if run is None:
        return _Recorded(rows[0].digest, (), None, "")
    root = run.root or run
    bodies = {seq: json.loads(body) for seq, body in graph.bodies(store, [run.last_seq, root.last_seq]).items()}
    registered, flow = bodies.get(run.last_seq, {}), bodies.get(root.last_seq, {})
    parameters = ((flow.get("run") or {}).get("facets") or {}).get("executionParameters") or {}
    source = ((flow.get("job") or {}).get("facets") or {}).get("sourceCode") or {}
    return _Recorded(
        digest=rows[0].digest,
        columns=_columns(registered, rows[0].digest),
        text=source.get("sourceCode"),
        overrides=next(
            (each["value"] for each in parameters.get("parameters", ()) if each["key"] == "pipeline.set"), ""
        ),
    )


def _columns(registered: Mapping[str, Any], digest: str) -> tuple[Column, ...]:
    for output in registered.get("outputs") or ():
        facets = output.get("facets") or {}
        if (facets.get("version") or {}).get("datasetVersion") == digest:
            fields = (facets.get("schema") or {}).get("fields") or ()
            return tuple(Column(field["name"], field.get("type") or "") for field in fields)
    return ()


def _plan(subject: Subject, run_id: str, recorded: _Recorded | None) -> Pipeline:
    """The pipeline as it was in effect; what MLflow keeps of it is held against the lineage.

    The file names the classes that may be loaded beyond Lineal's own list: it must be the one that was run.
    """
    texts = tracking.artifact_texts(run_id, "pipeline")
    if len(texts) != 1:
        raise TrackingError(
            f"{subject}: MLflow's run {run_id} does not keep the pipeline file that made the model; train it again"
        )
    ((name, text),) = texts.items()
    overrides = json.loads(tracking.run_tags(run_id).get("lineal.pipeline_set", "[]"))
    known = recorded is not None and recorded.text is not None
    if recorded is not None and known and (text, " ".join(overrides)) != (recorded.text, recorded.overrides):
        raise EstimatorError(
            f"{subject}: the pipeline file that MLflow keeps with the model is not the one on record; "
            "it may have been tampered with, so train the model again or take another version"
        )
    return parse(text, settings.project_of(Path.cwd()) / name, overrides=overrides)
