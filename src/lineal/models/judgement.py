"""Judge a candidate: its held-out metrics, its gates, and the champion scored on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lineal.datasets.dataset import Dataset
from lineal.errors import LinealError
from lineal.models import tracking
from lineal.models.estimators import named_classes
from lineal.models.evaluation import Comparison, Evaluation, GateResult, compare, evaluate, hold_gates
from lineal.models.groups.interface import Groups
from lineal.models.loaded import estimator_of
from lineal.models.model import Model
from lineal.pipeline import Pipeline


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
    """The alias's holder, and its metrics on a table's rows; None where it could not be scored, `reason` says why."""

    model: Model
    number: int
    metrics: dict[str, float] | None
    reason: str | None = None


def score_champion(pipeline: Pipeline, test: pd.DataFrame) -> ChampionScore | None:
    """Score the model that holds the pipeline's alias on held-out rows; None where there is none to beat."""
    register = pipeline.register_
    if register is None or register.alias is None or pipeline.evaluate.champion is None:
        return None
    holder = tracking.holder(register.name, register.alias)
    if holder is None:
        return None
    model = Model(
        f"models/{register.name}", holder.digest or "", holder.uri, tracking.namespace(), number=holder.number
    )
    try:
        metrics = evaluate(pipeline, estimator_of(model, trusted=named_classes(pipeline)), test).metrics
    except LinealError as problem:
        return ChampionScore(model, holder.number, None, str(problem))
    return ChampionScore(model, holder.number, metrics)


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
        comparison = compare(pipeline, evaluation.metrics, champion.metrics if champion else None)
    return Judgement(
        metrics=evaluation.metrics,
        rows=evaluation.rows,
        gates=hold_gates(pipeline, evaluation.metrics, groups),
        comparison=comparison,
        champion=champion.number if champion else None,
        predictions=predictions,
        warnings=evaluation.warnings,
        groups=groups,
    )
