"""What the runs on record teach: every aspect over each pipeline's experiments, strongest first."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain

import sqlalchemy as sa

from lineal.errors import SubjectError
from lineal.questions import lookup
from lineal.questions.discovery.best import Best, best
from lineal.questions.discovery.breaks import Break, breaks
from lineal.questions.discovery.changed import changed
from lineal.questions.discovery.decisions import Shaken, shaken
from lineal.questions.discovery.experiments import Experiment, experiments
from lineal.questions.discovery.factors import FEWEST_RUNS, Factors, factors
from lineal.questions.discovery.features import Features, idle, weights_of
from lineal.questions.discovery.pairs import Change, changes, untold
from lineal.questions.discovery.repeats import Noise, Repeat, noise, repeated_ids, repeats
from lineal.questions.discovery.table import given, tabulate
from lineal.store import tables
from lineal.store.log import Store

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the experiments of one pipeline teach about one metric.

    Attributes:
        experiments: how many have ended; `scored` of them have the metric.
        scored_on: `held-out`, `cross-validation` or another word of the runs' own.
        row_sets: how many different sets of rows they were scored on.
        changes: matched pairs that the data bears out.
        nearest: of the changes with too few pairs, the one that wants the fewest more.
        constant: what was never varied, so that nothing is known of it.
        newest: the newest run, which shows what was given.
        file: its pipeline file; None where it is a traced flow's.
        seed: one for the split that no run had yet.
    """

    pipeline: str
    metric: str | None
    metrics: tuple[str, ...]
    experiments: int
    scored: int
    scored_on: str
    row_sets: int
    noise: Noise | None
    changes: tuple[Change, ...]
    nearest: Change | None
    pairs: int
    factors: Factors
    constant: tuple[str, ...]
    features: Features
    breaks: tuple[Break, ...]
    repeats: tuple[Repeat, ...]
    best: tuple[Best, ...]
    decisions: tuple[Shaken, ...]
    newest: str
    file: str | None
    seed: int

    @property
    def enough(self) -> bool:
        """Whether there are enough runs to tell factors apart."""
        return self.scored >= FEWEST_RUNS


@dataclass(frozen=True, slots=True)
class Discovery:
    """What all runs on record teach, a lesson a pipeline; those with the most runs first."""

    experiments: int
    lessons: tuple[Lesson, ...]


def discover(
    store: Store, pipeline: str | None = None, metric: str | None = None, *, smallest: float | None = None
) -> Discovery:
    """Read every run on record, and say what they bear out.

    Args:
        store: the lineage store.
        pipeline: only this one's experiments; a traced flow's go by its job's name.
        metric: the one to look at; each pipeline's first held-out one where it is left out.
        smallest: the smallest effect of interest; default twice the noise floor, else a fifth of the metric's spread.

    Raises:
        SubjectError: no experiment of that pipeline, or with that metric, is on record.
    """
    # Millions of small values that all stay: looking for garbage among them takes as long as all else.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _discovery(experiments(store), store, pipeline, metric, smallest)
    finally:
        if collects:
            gc.enable()


def _discovery(
    found: Sequence[Experiment], store: Store, pipeline: str | None, metric: str | None, smallest: float | None
) -> Discovery:
    by_pipeline: dict[str, list[Experiment]] = defaultdict(list)
    for each in found:
        by_pipeline[each.pipeline].append(each)
    scored = {name for name, runs in by_pipeline.items() if any(run.scores for run in runs)}
    if pipeline is not None:
        _known(pipeline, by_pipeline, "pipeline", "lineal list runs")
        chosen = {pipeline: by_pipeline[pipeline]}
    else:
        chosen = {name: runs for name, runs in by_pipeline.items() if name in scored}
    if metric is not None:
        names = {name for runs in chosen.values() for run in runs for name in run.scores}
        _known(metric, names, "metric", "lineal discover")
        chosen = {name: runs for name, runs in chosen.items() if any(metric in run.scores for run in runs)}
    ordered = sorted(chosen.items(), key=lambda item: (-len(item[1]), item[0]))
    return Discovery(len(found), tuple(_lesson(store, name, runs, metric, smallest) for name, runs in ordered))


def _known(name: str, names: Iterable[str], what: str, command: str) -> None:
    there = sorted(names)
    if name in there:
        return
    near = get_close_matches(name, there, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(there[:8])}" if there else f"see `{command}`"
    raise SubjectError(f"no experiment of {what} {name!r} is on record; {hint}", subject=name)


def _lesson(
    store: Store, pipeline: str, runs: Sequence[Experiment], metric: str | None, smallest: float | None
) -> Lesson:
    metrics = _metrics(runs)
    metric = metric or (metrics[0] if metrics else None)
    name = metric or ""
    known = given(runs)
    table = tabulate(runs, name, known)
    floor = noise(table)
    usable = floor.usable if floor else None
    pairs = changes(table, floor)
    kinds = Counter(score.of for run in runs if (score := run.score(name)))
    ids = repeated_ids(runs, known.alike)
    return Lesson(
        pipeline=pipeline,
        metric=metric,
        metrics=metrics,
        experiments=len(runs),
        scored=len(table.runs),
        scored_on=kinds.most_common(1)[0][0] if kinds else "",
        row_sets=len(table.rows_named),
        noise=floor,
        changes=tuple(change for change in pairs if change.told),
        nearest=untold(pairs),
        pairs=sum(change.pairs for change in pairs),
        factors=factors(table, noise=usable, smallest=smallest),
        constant=table.constant,
        features=idle(*weights_of(runs)),
        breaks=tuple(
            replace(each, changed=changed(store, each.dataset, each.previous, each.version))
            for each in breaks(runs, name, usable, known.alike)
        ),
        repeats=repeats(runs, name, _started(store, ids), known.alike) if ids else (),
        best=best(runs, name, usable),
        decisions=_decisions(store, runs, name, usable),
        newest=runs[-1].run_id,
        file=runs[-1].file,
        seed=_unused_seed(runs),
    )


def _unused_seed(runs: Sequence[Experiment]) -> int:
    known = {run.parameters.get("split.seed", "") for run in runs}
    return max((int(seed) for seed in known if seed.isdecimal()), default=0) + 1


def _metrics(runs: Sequence[Experiment]) -> tuple[str, ...]:
    """The metrics on record: held-out ones that most runs have first, in the order they were recorded in."""
    held = Counter(chain.from_iterable(run.scores for run in runs))
    held.update(
        name
        for run in runs
        for name, scores in run.scores.items()
        if scores[0].of == "held-out" or "held-out" in [score.of for score in scores]
    )
    return tuple(sorted(held, key=lambda name: -held[name]))


def _started(store: Store, ids: Sequence[str]) -> dict[str, str]:
    columns = tables.runs.c
    query = sa.select(columns.run_id, columns.started_at)
    return {
        row.run_id: row.started_at
        for start in range(0, len(ids), _BATCH)
        for row in store.read(query.where(columns.run_id.in_(ids[start : start + _BATCH])))
        if row.started_at
    }


def _decisions(store: Store, runs: Sequence[Experiment], metric: str, floor: float | None) -> tuple[Shaken, ...]:
    moves = [move for move in lookup.holding(store) if move.number is not None]
    if not moves:
        return ()
    columns = tables.models.c
    query = (
        sa.select(columns.name, columns.number, tables.runs.c.root_id)
        .join(tables.runs, tables.runs.c.run_id == columns.run_id)
        .where(columns.name.in_({move.name for move in moves}))
    )
    made_by = {(row.name, row.number): row.root_id for row in store.read(query)}
    return shaken(moves, made_by, runs, metric, floor)
