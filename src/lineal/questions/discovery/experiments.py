"""The experiments on record: what each whole flow or traced call was given, made and scored."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from lineal.store import tables
from lineal.store.log import Store

# Those of a pipeline file that say nothing of the model: names, and what is asked of it afterwards.
_ABOUT = ("name", "description", "owner", "source.uri")
_AFTERWARDS = ("pipeline.", "checks.", "evaluate.", "register.", "importances.", "drift.")
_CHUNK = 4_000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


# Of a hundred thousand experiments: a tuple is made several times as fast as a frozen dataclass.
class Score(NamedTuple):
    """A metric of an experiment; `rows` names the versions that it was measured on."""

    value: float
    of: str
    rows: tuple[str, ...]
    spread: float | None = None


class Experiment(NamedTuple):
    """One root run with all below it.

    Attributes:
        data: versions that came from outside, by dataset; the snapshot's where there is one.
        digest: of the pipeline file, settings that say nothing of the model among them.
        file: the pipeline file itself, where it lay.
    """

    run_id: str
    pipeline: str
    state: str
    at: str
    seq: int
    parameters: Mapping[str, str] = _NOTHING
    environment: Mapping[str, str] = _NOTHING
    data: Mapping[str, str] = _NOTHING
    scores: Mapping[str, tuple[Score, ...]] = _NOTHING
    failed_checks: tuple[str, ...] = ()
    error: str | None = None
    importances: str | None = None
    digest: str | None = None
    file: str | None = None

    def score(self, metric: str) -> Score | None:
        """The score by a metric: held-out rows first, else cross-validation, else any but the training rows'."""
        found = self.scores.get(metric)
        if not found or len(found) == 1:
            return found[0] if found else None
        return min(found, key=lambda score: _ORDER.get(score.of, 2))


_ORDER = {"held-out": 0, "cross-validation": 1, "": 2, "train": 3}


def experiments(store: Store) -> list[Experiment]:
    """Every experiment that has ended, in the log's order; a run that predicts with a model there is, is none."""
    columns = tables.facts.c
    of_root: dict[str, list[dict[str, Any]]] = defaultdict(list)
    roots: list[tuple[str, int]] = []
    after = -1
    while True:
        query = (
            sa.select(columns.run_id, columns.root_id, columns.seq, columns.body)
            .where(columns.seq > after)
            .order_by(columns.seq)
            .limit(_CHUNK)
        )
        found = store.read(query)
        if not found:
            break
        for (run_id, root_id, seq, _), body in zip(found, _parsed([row[3] for row in found]), strict=True):
            of_root[root_id].append(body)
            if run_id == root_id:
                roots.append((run_id, seq))
        after = found[-1][2]
    return [made_of(run_id, seq, of_root[run_id]) for run_id, seq in roots if not _predicts(of_root[run_id][-1])]


def _parsed(bodies: Sequence[str]) -> list[dict[str, Any]]:
    text = f"[{','.join(bodies)}]"
    try:
        found: list[dict[str, Any]] = orjson.loads(text)
    except orjson.JSONDecodeError:
        # A metric that is not a number, for which JSON has no word.
        found = json.loads(text)
    return found


def _predicts(root: Mapping[str, Any]) -> bool:
    """Whether a root run used a pipeline's model, rather than its file, and so tried nothing."""
    given = root.get("parameters") or {}
    return "pipeline" in root and "model.version" in given and "pipeline.digest" not in given


def made_of(run_id: str, seq: int, parts: Sequence[Mapping[str, Any]]) -> Experiment:
    """The experiment that a root run, the last of `parts`, and those below it make up."""
    root = parts[-1]
    pipeline = root.get("pipeline") or root["job"]
    given = root.get("parameters") or {}
    digest, file = given.get("pipeline.digest"), given.get("pipeline.file")
    if digest is None:
        # No pipeline file that says all: what any step was given counts.
        for part in parts[:-1]:
            given = {**part.get("parameters", {}), **given}
    else:
        given = {name: value for name, value in given.items() if _says_of_the_model(name)}
    data, importances = _data(pipeline, parts)
    failed = [name for part in parts for name in part.get("failed", ())]
    return Experiment(
        run_id=run_id,
        pipeline=pipeline,
        state=root["state"],
        at=root["at"],
        seq=seq,
        parameters=given,
        environment=root.get("environment") or {},
        data=data,
        scores=_scores(parts),
        failed_checks=tuple(dict.fromkeys(failed)) if failed else (),
        error=root.get("error"),
        importances=importances,
        digest=digest,
        file=file,
    )


def _says_of_the_model(name: str) -> bool:
    return name not in _ABOUT and not name.startswith(_AFTERWARDS)


def _data(pipeline: str, parts: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], str | None]:
    made: dict[str, str] = {}
    read: dict[str, str] = {}
    for part in parts:
        trains = False
        for name, version, kind in part.get("outputs", ()):
            made[name] = version
            trains = trains or kind == "MODEL"
        for name, version, kind in part.get("inputs", ()):
            # A model that is read where none is made is the champion, to compare with.
            if version and (trains or kind != "MODEL"):
                read[name] = version  # noqa: PERF403 - it is an update, of a hundred thousand small ones
    if not made:
        return read, None
    importances = made.get(f"{pipeline}.importances")
    snapshot = f"{pipeline}.snapshot"
    if snapshot in made:
        return {snapshot: made[snapshot]}, importances
    return {name: version for name, version in read.items() if name not in made}, importances


def _scores(parts: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Score, ...]]:
    found: dict[str, tuple[Score, ...]] = {}
    for part in parts:
        if "metrics" not in part:
            continue
        rows = tuple([f"{name}@{version}" for name, version, kind in part.get("inputs", ()) if kind != "MODEL"])
        for name, value, of, spread in part["metrics"]:
            score = Score(value, of or "", rows, spread)
            found[name] = (*found[name], score) if name in found else (score,)
    return found
