"""Judge a fitted model on held-out rows: its metrics, its gates, and the champion it must beat."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from lineal.datasets.types import ROW
from lineal.errors import DataError
from lineal.models import metrics
from lineal.models.columns import Kind, kind_of, target_values
from lineal.models.fitting import Fitted
from lineal.models.groups.interface import AND, Grouping, Groups, expected_gap, gap_of, told, why
from lineal.models.metrics import Answers
from lineal.pipeline import Gate, Pipeline


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is predicted.

    Attributes:
        label: of the class.
        precision: of the rows predicted as it, the share that is; NaN where none is predicted so.
        recall: of its rows, the share predicted as it; NaN where there is none.
        f1: their harmonic mean.
        support: its rows.
    """

    label: Any
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """A model judged on held-out rows.

    Attributes:
        kind: `binary`, `multiclass` or `regression`.
        metrics: each metric's value, greater is better; NaN where it is not defined for these rows.
        rows: how many rows.
        predictions: a row each, in the table's order: the snapshot's row (where the table has it), `actual`,
            `prediction`, and of a classifier `probability_{class}`, or else `score_{class}` (with two classes, of the
            second alone).
        classes: the model's labels in sorted order; empty for a regression.
        by_class: each class's figures; empty for a regression.
        warnings: a sentence for each metric that is not defined for these rows, and for labels the model never saw.
        answers: all that the model said of these rows; None where nobody asked it.
    """

    kind: Kind
    metrics: dict[str, float]
    rows: int
    predictions: pd.DataFrame = field(repr=False)
    classes: tuple[Any, ...] = ()
    by_class: tuple[ClassFigures, ...] = ()
    warnings: tuple[str, ...] = ()
    answers: Answers | None = field(default=None, repr=False)


@dataclass(frozen=True)
class GateResult:
    """A gate, held against the model.

    Attributes:
        metric: its name.
        min: the least it must be, if any.
        max: the most it must be, if any.
        actual: the held-out value, or the gap; NaN where it is not defined.
        passed: whether the gate holds.
        sentence: for a person.
        max_gap: the most that it may differ between groups, if that is what is asked.
        by: the columns whose groups are compared.
        leave_out: groups that are not asked of.
    """

    metric: str
    min: float | None
    max: float | None
    actual: float
    passed: bool
    sentence: str
    max_gap: float | None = None
    by: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called on record."""
        return f"gate {self.metric}{f' by {AND.join(self.by)}' if self.by else ''}"

    @property
    def expected(self) -> str:
        """What it asks, as it is recorded."""
        if self.max_gap is not None:
            return expected_gap(self.metric, self.by, self.max_gap, self.leave_out)
        bounds = [f"{sign} {bound:g}" for sign, bound in ((">=", self.min), ("<=", self.max)) if bound is not None]
        return f"{self.metric} {' and '.join(bounds)}"


@dataclass(frozen=True)
class Comparison:
    """A challenger, held against the champion on the same held-out rows.

    Attributes:
        metric: what they are compared by; None where the pipeline has no rule.
        challenger: its value; None without a rule.
        champion: its value; None without a rule or a champion.
        margin: what the challenger must be better by.
        wins: whether the challenger takes the alias.
        sentence: for a person.
    """

    metric: str | None
    challenger: float | None
    champion: float | None
    margin: float
    wins: bool
    sentence: str


def evaluate(pipeline: Pipeline, fitted: Any, test: pd.DataFrame) -> Evaluation:
    """Judge a fitted model on held-out rows.

    Args:
        pipeline: names the metrics; where it names none, these are the defaults of the kind of problem.
        fitted: a `Fitted`, or a fitted scikit-learn Pipeline as loaded from the registry.
        test: the held-out rows, raw.

    Raises:
        DataError: when there are no rows, or they lack a column that the model takes or the target.
        EstimatorError: when the model cannot answer what a metric judges.
    """
    estimator = fitted.estimator if isinstance(fitted, Fitted) else fitted
    kind = kind_of(estimator)
    truth = target_values(pipeline, test, classifier=kind != "regression", several=False)
    rows = model_rows(estimator, test)
    names = metrics.metric_names(pipeline, kind, estimator)
    for name in names:
        metrics.check(name, classifier=kind != "regression", kind=kind)
    classes = metrics.classes_of(estimator)
    said: list[str] = []
    refused: list[str] = []
    strange = sorted({str(label) for label in np.unique(truth).tolist()} - {str(label) for label in classes})
    if classes and strange:
        said.append(f"the model was never shown the class {', '.join(strange)}, which held-out rows have")
    with threadpool_limits(limits=pipeline.model.threads), warnings.catch_warnings():
        # What is not defined shows as NaN, and is told in a sentence.
        warnings.simplefilter("ignore")
        # The table of predictions shows a classifier's probabilities, or else its scores, whatever the metrics need.
        shown = [name for name in ("predict_proba", "decision_function") if classes and hasattr(estimator, name)][:1]
        answers = metrics.ask(estimator, rows, ("predict", *shown, *metrics.methods_of(names, estimator)))
        values = metrics.judge(names, truth, answers, classes, refused)
    told = {sentence.partition(" ")[0] for sentence in refused}
    undefined = [name for name, value in values.items() if math.isnan(value) and name not in told]
    said += [*refused, *(f"{name} is not defined for these rows" for name in undefined)]
    return Evaluation(
        kind=kind,
        metrics=values,
        rows=len(test),
        predictions=_predictions(test, truth, answers, classes),
        classes=classes,
        by_class=_by_class(truth, answers, classes),
        warnings=tuple(said),
        answers=answers,
    )


def model_rows(estimator: Any, table: pd.DataFrame) -> pd.DataFrame:
    """Take from a table the columns that a fitted Pipeline learnt from, in its order.

    Raises:
        DataError: naming the columns that are not there; or when there are no rows.
    """
    columns = [str(name) for name in estimator.feature_names_in_]
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise DataError(
            f"the model takes {'a column' if len(absent) == 1 else 'columns'} that the rows do not have: "
            f"{', '.join(map(repr, absent))}; add them to the source",
            column=absent[0],
        )
    if table.empty:
        raise DataError("there are no rows for the model to predict")
    return table[columns]


def hold_gates(pipeline: Pipeline, values: Mapping[str, float], groups: Groups | None = None) -> tuple[GateResult, ...]:
    """Hold a model's held-out metrics against the pipeline's gates; what is not defined never passes.

    Args:
        pipeline: whose gates they are.
        values: the metrics.
        groups: how the model does on groups, for the gates that ask how far it may differ between them.

    Returns:
        One for each gate's bounds, and one for each grouping that a gate's `max_gap` is about.
    """
    found = []
    for gate in pipeline.evaluate.gates:
        if gate.min is not None or gate.max is not None:
            found.append(_hold(gate, values.get(gate.metric, math.nan)))
        if gate.max_gap is not None:
            several = [gate.by] if gate.by is not None else [(column,) for column in pipeline.evaluate.groups]
            found += [_hold_gap(gate, gate.max_gap, by, groups) for by in several]
    return tuple(found)


def compare(
    pipeline: Pipeline,
    challenger: Mapping[str, float],
    champion: Mapping[str, float] | None,
    noise: float | None = None,
) -> Comparison:
    """Compare a challenger with the champion by the pipeline's rule.

    Args:
        pipeline: holds the rule; without one, the newest model takes the alias.
        challenger: metrics of the new model.
        champion: metrics of the alias's holder on the same rows; None where nobody holds it.
        noise: what the two may differ by chance on these rows, where that is known. It is told, and decides nothing:
            by how much more a challenger must be better is the rule's margin.

    Returns:
        A win where the challenger is better by more than the margin, or has nobody to beat; what is not defined
        never wins, and always loses.
    """
    rule = pipeline.evaluate.champion
    if rule is None:
        sentence = "there is no [evaluate.champion] to beat, so the newest model takes the alias"
        return Comparison(None, None, None, 0.0, True, sentence)
    name, margin = rule.metric, rule.margin
    value = challenger.get(name, math.nan)
    held = None if champion is None else champion.get(name, math.nan)
    by = f" by more than {margin:g}" if margin else ""
    if math.isnan(value):
        wins, sentence = False, f"{name} is not defined for the challenger, so it does not win"
    elif held is None:
        wins, sentence = True, f"{name} is {value:.6g} and there is no champion to beat"
    elif math.isnan(held):
        wins, sentence = True, f"{name} is {value:.6g} and not defined for the champion"
    else:
        wins = value - held > margin
        verb = "beats" if wins else "does not beat"
        sentence = f"{name} of {value:.6g} {verb} the champion's {held:.6g}{by}"
        if noise is not None and value != held:
            judged = "within the noise" if abs(value - held) <= noise else "more than noise"
            # As far as chance leaves the figures any meaning: two of its own.
            decimals = max(0, 1 - math.floor(math.log10(noise))) if noise else 4
            sentence += f" ({value - held:+.{decimals}f} ± {noise:.{decimals}f}: {judged})"
    return Comparison(name, value, held, margin, wins, sentence)


def _hold(gate: Gate, actual: float) -> GateResult:
    bounds = " and ".join(
        f"{word} {bound:g}" for word, bound in (("at least", gate.min), ("at most", gate.max)) if bound is not None
    )
    low = gate.min is None or actual >= gate.min
    high = gate.max is None or actual <= gate.max
    passed = low and high  # NaN is within no bound
    if math.isnan(actual):
        sentence = f"{gate.metric} is not defined for the held-out rows, and must be {bounds}"
    else:
        sentence = f"{gate.metric} is {actual:.6g}, {'and' if passed else 'but'} must be {bounds}"
    return GateResult(gate.metric, gate.min, gate.max, actual, passed, sentence)


def _hold_gap(gate: Gate, limit: float, by: tuple[str, ...], groups: Groups | None) -> GateResult:
    metric, left_out = gate.metric, gate.leave_out
    grouping = (groups.by(*by) if groups else None) or Grouping(by, problem="its groups were not looked at")
    gap = gap_of(grouping.groups, metric, left_out)
    without = f" without {', '.join(left_out)}" if left_out else ""
    about = f"{metric} by {AND.join(by)}{without}"
    passed = False
    if gap.value is not None and gap.value > limit:
        sentence = f"{about} differs by {told(gap, grouping)}, but may by at most {limit:g}"
    elif gap.value is None or gap.untold:
        others = "" if gap.value is None else f"; the others differ by {gap.value:.4g}"
        sentence = (
            f"how far {about} differs cannot be told ({why(gap, grouping)}){others}, and may by at most {limit:g}"
        )
    else:
        passed, sentence = True, f"{about} differs by {told(gap, grouping)}, and may by at most {limit:g}"
    actual = math.nan if gap.value is None or (gap.untold and gap.value <= limit) else gap.value
    return GateResult(metric, None, None, actual, passed, sentence, limit, tuple(by), left_out)


def _predictions(
    test: pd.DataFrame, truth: np.ndarray[Any, Any], answers: metrics.Answers, classes: tuple[Any, ...]
) -> pd.DataFrame:
    columns: dict[str, Any] = {ROW: test[ROW].to_numpy()} if ROW in test.columns else {}
    columns |= {"actual": truth, "prediction": answers.predict}
    if classes and answers.predict_proba is not None:
        columns |= {f"probability_{label}": answers.predict_proba[:, place] for place, label in enumerate(classes)}
    elif classes and answers.decision_function is not None:
        scores = answers.decision_function
        if scores.ndim == 1:
            columns[f"score_{classes[1]}"] = scores
        elif scores.shape[1] == len(classes):
            columns |= {f"score_{label}": scores[:, place] for place, label in enumerate(classes)}
    return pd.DataFrame(columns)


def _by_class(
    truth: np.ndarray[Any, Any], answers: metrics.Answers, classes: tuple[Any, ...]
) -> tuple[ClassFigures, ...]:
    if not classes:
        return ()
    from sklearn.metrics import precision_recall_fscore_support

    figures = precision_recall_fscore_support(truth, answers.predict, labels=list(classes), zero_division=np.nan)
    return tuple(
        ClassFigures(label, float(precision), float(recall), float(f1), int(support))
        for label, precision, recall, f1, support in zip(classes, *figures, strict=True)
    )
