"""Judge a candidate: its held-out metrics, its gates, and the champion scored on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from lineal.datasets.dataset import Dataset
from lineal.datasets.overlap import learned as learned_rows
from lineal.errors import DataError, LinealError
from lineal.models import tracking
from lineal.models.estimators import named_classes
from lineal.models.evaluation import Comparison, Evaluation, GateResult, compare, evaluate, hold_gates
from lineal.models.groups.interface import Groups
from lineal.models.loaded import estimator_of
from lineal.models.metrics import Answers
from lineal.models.model import Model
from lineal.models.resampling import Judged, noise_between
from lineal.pipeline import Pipeline

if TYPE_CHECKING:
    from lineal.datasets.overlap import Marks
    from lineal.models.tracking import RegisteredVersion


@dataclass(frozen=True)
class Judgement:
    """What was found out about a candidate on the held-out rows.

    Attributes:
        metrics: its held-out metrics.
        rows: how many rows were held out.
        gates: each gate of the pipeline, held against it.
        comparison: the candidate beside the champion.
        champion: the version that held the alias when it was judged; None where none did.
        predictions: the table of its held-out predictions.
        warnings: what a reader of the metrics should know.
        groups: how it does on groups of the rows; None where the pipeline asks for none.
    """

    metrics: dict[str, float]
    rows: int
    gates: tuple[GateResult, ...]
    comparison: Comparison
    champion: int | None
    predictions: Dataset
    warnings: tuple[str, ...] = ()
    groups: Groups | None = None

    @property
    def passed(self) -> bool:
        """Whether all gates hold."""
        return all(gate.passed for gate in self.gates)


@dataclass(frozen=True)
class ChampionScore:
    """The alias's holder and the candidate, both on the held-out rows that are new to the holder.

    Attributes:
        model: the holder.
        number: its version.
        metrics: its metrics on these rows; None where it could not be scored on them.
        candidate: those of the candidate on the same rows.
        rows: how many they are.
        learned: how many more are held out, and the holder learned from; None where that cannot be told.
        reason: why it could not be scored, or why what it learned cannot be told.
        noise: what the metric that they are compared by may differ by chance on these rows; None where it cannot be
            told.
    """

    model: Model
    number: int
    metrics: dict[str, float] | None
    candidate: dict[str, float]
    rows: int
    learned: int | None = 0
    reason: str = ""
    noise: float | None = None

    @property
    def told(self) -> str:
        """On which rows the two were compared, where that is not all of them or may be unfair; to follow a sentence."""
        if self.learned is None:
            return f"; whether the champion learned any of these rows cannot be told: {self.reason}"
        whole = self.rows + self.learned
        return f", on the {self.rows} of {whole} held-out rows that the champion did not learn" if self.learned else ""


def score_champion(
    pipeline: Pipeline, candidate: Any, evaluation: Evaluation, held_out: Dataset, test: pd.DataFrame
) -> ChampionScore | None:
    """Score the model that holds the pipeline's alias on held-out rows; None where there is none to beat.

    Another split, or another snapshot, may hold out rows that the holder learned: it knows their answers, and is not
    judged by them.

    Args:
        pipeline: names the alias and the metrics.
        candidate: the fitted model that was judged.
        evaluation: how it was.
        held_out: the rows' table.
        test: the same rows, raw.
    """
    register = pipeline.register_
    if register is None or register.alias is None or pipeline.evaluate.champion is None:
        return None
    holder = tracking.holder(register.name, register.alias)
    if holder is None:
        return None
    model = Model(
        f"models/{register.name}", holder.digest or "", holder.uri, tracking.namespace(), number=holder.number
    )
    known, reason = _learned(pipeline, holder, held_out)
    learned = None if known is None else int(known.sum())
    mine, rows = evaluation, test
    try:
        if known is not None and learned:
            if learned == len(test):
                raise DataError("it learned all of them; hold out rows that are new to it")
            rows = test[~known]
            mine = evaluate(pipeline, candidate, rows)
        its = evaluate(pipeline, estimator_of(model, trusted=named_classes(pipeline)), rows)
    except LinealError as problem:
        return ChampionScore(model, holder.number, None, mine.metrics, len(rows), learned, str(problem))
    name = pipeline.evaluate.champion.metric
    # Where the same was made again there is nothing to ask.
    differs = its.metrics.get(name) != mine.metrics.get(name)
    noise = noise_between(name, _judged(its), _judged(mine)) if differs else None
    return ChampionScore(model, holder.number, its.metrics, mine.metrics, len(rows), learned, reason, noise)


def _judged(evaluation: Evaluation) -> Judged:
    return Judged.of(evaluation.predictions["actual"].to_numpy(), evaluation.answers or Answers(), evaluation.classes)


def _learned(pipeline: Pipeline, holder: RegisteredVersion, held_out: Dataset) -> tuple[Marks | None, str]:
    """Which held-out rows the holder learned from; None with the reason where its training rows are not to be had."""
    try:
        train = tracking.trained_on(holder.run_id) if holder.run_id else None
        if train is None:
            return None, "its MLflow run does not name its training rows"
        return learned_rows(pipeline, train, held_out), ""
    except LinealError as problem:
        return None, problem.message


def judge(
    pipeline: Pipeline,
    evaluation: Evaluation,
    champion: ChampionScore | None,
    predictions: Dataset,
    groups: Groups | None = None,
) -> Judgement:
    """Hold an evaluated candidate to the pipeline's gates and to the champion."""
    if champion is not None and champion.metrics is None:
        # Not shown to be better: the alias stays, and a person sees why.
        sentence = f"the champion, version {champion.number}, cannot be scored on these rows: {champion.reason}"
        rule = pipeline.evaluate.champion
        comparison = Comparison(
            rule.metric if rule else None, None, None, rule.margin if rule else 0.0, False, sentence
        )
    else:
        comparison = compare(pipeline, evaluation.metrics, None)
        if champion is not None:
            comparison = compare(pipeline, champion.candidate, champion.metrics, champion.noise)
            comparison = replace(comparison, sentence=comparison.sentence + champion.told)
    return Judgement(
        metrics=evaluation.metrics,
        rows=evaluation.rows,
        gates=hold_gates(pipeline, evaluation.metrics, groups),
        comparison=comparison,
        champion=champion.number if champion else None,
        predictions=predictions,
        warnings=(*evaluation.warnings, *_unwatched(pipeline)),
        groups=groups,
    )


def _unwatched(pipeline: Pipeline) -> list[str]:
    """What is declared to be watched and is not looked at."""
    declared = (pipeline.declared.groups if pipeline.declared else None) or ()
    return [
        f"[declared] groups names {name!r} and evaluate.groups does not, so that no metric of its groups is recorded"
        for name in declared
        if name not in pipeline.evaluate.groups
    ]
