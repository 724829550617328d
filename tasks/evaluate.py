"""Judge the model."""

from __future__ import annotations

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Dataset, Model, current_run, traced
from lineal.datasets.read import to_frame
from lineal.datasets.table import write_table
from lineal.datasets.types import ROW
from lineal.models import tracking
from lineal.models.estimators import named_classes
from lineal.models.evaluation import GateResult
from lineal.models.evaluation import evaluate as score
from lineal.models.groups.figures import groups_of
from lineal.models.groups.interface import to_facet
from lineal.models.groups.logging import log_groups
from lineal.models.groups.scheme import Scheme
from lineal.models.judgement import ChampionScore, Judgement, judge, score_champion
from lineal.models.loaded import estimator_of
from lineal.models.plots import figures
from lineal.orchestration.log import run_logger
from lineal.pipeline import Pipeline
from lineal.tracing.statements import Origin, Outcome
from tasks.links import mlflow_facet, tracked_run


@task(task_run_name="evaluate {plan.name}", cache_policy=NO_CACHE)
@traced
def evaluate(plan: Pipeline, model: Model, test: Dataset, groups: Scheme | None = None) -> Judgement:
    """Judge the model on the held-out rows and on groups of them, beside the champion."""
    frame = to_frame(test, [column.name for column in test.columns])
    run = current_run()
    with tracking.resume(tracked_run(model)) as recording:
        recording.dataset(test, "evaluation")
        estimator = estimator_of(model, trusted=named_classes(plan))
        evaluation = score(plan, estimator, frame)
        recording.metrics(evaluation.metrics)
        for name, figure in figures(evaluation).items():
            recording.artifact_figure(figure, f"plots/{name}.png")
        grouped = groups_of(plan, evaluation, frame, groups)
        if grouped is not None:
            log_groups(recording, grouped)
        champion = score_champion(plan, estimator, evaluation, test, frame)
    if champion is not None:
        run.input(champion.model)
        run.tests([_learned(champion)])
    table = pa.Table.from_pandas(evaluation.predictions, preserve_index=False)
    predictions = write_table(table, plan.table("evaluation"))
    run.output(predictions, columns=_columns(plan, model, test, predictions))
    judgement = judge(plan, evaluation, champion, predictions, grouped)
    run.metrics(judgement.metrics, of="held-out")
    if grouped is not None:
        run.groups(to_facet(grouped))
    run.tests(_outcome(gate) for gate in judgement.gates)
    run.mlflow(mlflow_facet(model))
    for sentence in (*judgement.warnings, *(gate.sentence for gate in judgement.gates), judgement.comparison.sentence):
        run_logger().info("%s: %s", plan.name, sentence)
    return judgement


def _columns(plan: Pipeline, model: Model, test: Dataset, predictions: Dataset) -> dict[str, list[Origin]]:
    """Where the columns of the predictions come from: what was held out, and what the model makes of it."""
    target = plan.source.target
    learnt = [Origin(test, column.name, "TRANSFORMATION") for column in model.columns if column.name != target]
    learnt.append(Origin(model, target, "TRANSFORMATION"))
    taken = {ROW: [Origin(test, ROW)], "actual": [Origin(test, target)]}
    return {column.name: taken.get(column.name, learnt) for column in predictions.columns}


def _learned(champion: ChampionScore) -> Outcome:
    whole = champion.rows + (champion.learned or 0)
    told = f"{champion.learned} of {whole}" if champion.learned is not None else f"not known: {champion.reason}"
    return Outcome("held-out rows that the champion learned", None, "champion", actual=told)


def _outcome(gate: GateResult) -> Outcome:
    return Outcome(
        name=gate.name,
        passed=gate.passed,
        kind="gate",
        expected=gate.expected,
        actual=f"{gate.actual:.6g}",
        description=gate.sentence,
    )
