"""How a model does on groups of held-out rows, by fairlearn's `MetricFrame`, with bootstrap intervals.

fairlearn's own bootstrap draws from all rows at once and passes over the draws in which a metric is not defined for a
group; here rows are drawn within each group (B. Efron, 1979), and what is defined for too few draws has no interval.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from lineal.errors import DataError
from lineal.models import metrics
from lineal.models.evaluation import Evaluation
from lineal.models.groups.interface import MISSING, Column, Figure, Gap, Group, Grouping, Groups, gap_of
from lineal.models.groups.scheme import Cut, Labels, Scheme, ordered
from lineal.models.resampling import Judged
from lineal.pipeline import RATES, Pipeline

# More groups than these, of one combination of columns or in all, are no overview, and would fill an event.
MOST_COMBINED, MOST_GROUPS = 100, 300
# More rows of a group are drawn from, and the interval is scaled to how many there are.
MOST_ROWS = 2_000
# What is defined where all rows are of one class, and speaks of it.
_OF_ONE_CLASS = ("accuracy", "top_k_accuracy", "neg_log_loss", "neg_brier_score", "recall", *RATES)
Rows = np.ndarray[Any, Any]
Judge = Callable[[Rows], float]


def groups_of(pipeline: Pipeline, evaluation: Evaluation, test: pd.DataFrame, scheme: Scheme | None) -> Groups | None:
    """Judge a model on groups as its pipeline asks; None where it asks for none.

    Raises:
        DataError: the groups of the training rows are not given, or a column that rows are grouped by is not there.
    """
    if not pipeline.evaluate.groups:
        return None
    if scheme is None:
        raise DataError(
            "evaluate.groups: the groups of the training rows are not given; hand them from one task to the other, as "
            "in evaluate(plan, trained.model, parts.test, trained.groups)"
        )
    return group_figures(pipeline, evaluation, test, scheme)


def group_figures(pipeline: Pipeline, evaluation: Evaluation, test: pd.DataFrame, scheme: Scheme) -> Groups:
    """Judge a model on each group of the held-out rows, and on each combination.

    Args:
        pipeline: names the columns, and how few rows are too few.
        evaluation: of the model on these rows.
        test: the held-out rows, with the columns that they are grouped by.
        scheme: the groups of the training rows.

    Raises:
        DataError: a column that rows are grouped by is not there.
    """
    for name in pipeline.evaluate.groups:
        if name not in test.columns:
            raise DataError(f"evaluate.groups names {name!r}, which is no column of the held-out rows", column=name)
    asked, labels = pipeline.evaluate.grouping, scheme.labels(test)
    judges = _judges(evaluation)
    groupings: list[Grouping] = []
    for by in _asked(pipeline):
        known = [ordered({*scheme.known(name), *labels[name]}, _cut(scheme, name)) for name in by]
        whole = math.prod(map(len, known))
        most = min(MOST_COMBINED, MOST_GROUPS - sum(len(each.groups) for each in groupings))
        if whole > most:
            groupings.append(Grouping(by, problem=f"it has {whole} groups, and no more than {most} are told of"))
            continue
        groupings.append(_grouping(by, known, labels, scheme.counts(by), judges, pipeline, len(groupings)))
    missing = {name: Counter(labels[name].tolist()) for name in labels}
    return Groups(
        columns=tuple(_column(cut, missing[cut.column], scheme) for cut in scheme.cuts),
        groupings=tuple(groupings),
        metrics=tuple(judges),
        min_rows=asked.min_rows,
        level=asked.level,
        draws=asked.draws,
        seed=pipeline.split.seed,
        rows=len(test),
        train_rows=scheme.rows,
    )


def _asked(pipeline: Pipeline) -> Iterator[tuple[str, ...]]:
    """Each column, each pair, and what gates ask for beside them."""
    columns = pipeline.evaluate.groups
    found: list[tuple[str, ...]] = [(name,) for name in columns]
    found += combinations(columns, 2)
    for gate in pipeline.evaluate.gates:
        wanted = tuple(name for name in columns if name in (gate.by or ()))
        found += [wanted] if wanted else []
    return iter(dict.fromkeys(found))


def _cut(scheme: Scheme, name: str) -> Cut:
    return next(cut for cut in scheme.cuts if cut.column == name)


def _column(cut: Cut, found: Counter[str], scheme: Scheme) -> Column:
    return Column(cut.column, cut.kind, cut.names, found[MISSING], scheme.counts([cut.column])[MISSING,])


def _judges(evaluation: Evaluation) -> dict[str, Judge]:
    """For each metric, what gives its value for some rows by their places; it raises where it is not defined."""
    if evaluation.answers is None:
        raise ValueError("the evaluation holds no answers of the model")
    judged = Judged.of(evaluation.predictions["actual"].to_numpy(), evaluation.answers, evaluation.classes)
    truth, answers, classes = judged.truth, judged.answers, judged.classes

    def scorer(name: str) -> Judge:
        def value(rows: Rows) -> float:
            return metrics.score(name, truth[rows], answers.of(rows), classes)

        def of_several(rows: Rows) -> float:
            if len(np.unique(truth[rows])) < 2:
                raise ValueError("its rows are all of one class")
            return value(rows)

        return of_several if classes and name not in _OF_ONE_CLASS else value

    found = {name: scorer(name) for name in evaluation.metrics}
    if len(classes) == 2 and answers.predict is not None:
        # By what text labels the second class goes does not matter: `selection_rate` of fairlearn would take 1 for it.
        chosen, positive = answers.predict == classes[1], truth == classes[1]

        def selection_rate(rows: Rows) -> float:
            return float(chosen[rows].mean())

        def false_positive_rate(rows: Rows) -> float:
            negative = rows[~positive[rows]]
            if not len(negative):
                raise ValueError("its rows are all of one class")
            return float(chosen[negative].mean())

        found |= {"selection_rate": selection_rate, "false_positive_rate": false_positive_rate}
    return found


def _grouping(
    by: tuple[str, ...],
    known: Sequence[Sequence[str]],
    labels: dict[str, Labels],
    trained: Counter[tuple[str, ...]],
    judges: dict[str, Judge],
    pipeline: Pipeline,
    place: int,
) -> Grouping:
    asked = pipeline.evaluate.grouping
    every: list[tuple[str, ...]] = list(product(*known))
    codes = {each: code for code, each in enumerate(every)}
    coded = np.array([codes[each] for each in zip(*(labels[name] for name in by), strict=True)], dtype=np.int64)
    rows_of = [np.flatnonzero(coded == code) for code in range(len(every))]
    enough = [code for code, rows in enumerate(rows_of) if len(rows) >= asked.min_rows]
    values, reasons = _values(rows_of, enough, judges)
    drawn = {code: _drawn(rows_of[code], judges, pipeline, (place, code)) for code in enough}
    ends = (1 - asked.level) / 2, (1 + asked.level) / 2
    groups = []
    for code, each in enumerate(every):
        rows = rows_of[code]
        figures = []
        for name in judges:
            value = values.get((name, code))
            if value is None:
                reason = reasons.get((name, code)) or _too_few(len(rows), asked.min_rows)
                figures.append(Figure(name, None, reason=reason))
            else:
                low, high = _interval(_about(drawn[code][name], value, len(rows)), ends)
                figures.append(Figure(name, value, low, high))
        groups.append(Group(each, len(rows), trained[each], tuple(figures)))
    gaps = tuple(_gap(name, groups, every, drawn, values, rows_of, ends) for name in judges)
    return Grouping(by, tuple(groups), gaps)


def _too_few(rows: int, least: int) -> str:
    return f"too few rows ({rows} of at least {least})" if rows else "no held-out row"


def _values(
    rows_of: Sequence[Rows], enough: Sequence[int], judges: dict[str, Judge]
) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], str]]:
    """The value of each metric for each group that has rows enough, and why there is none."""
    from fairlearn.metrics import MetricFrame

    reasons: dict[tuple[str, int], str] = {}
    if not enough:
        return {}, reasons

    def told(name: str, judge: Judge) -> Callable[[Rows, Rows], float]:
        def value(codes: Rows, _: Rows) -> float:
            if len(codes) > 1:
                return math.nan  # the frame asks for all groups as one, too
            code = int(codes[0])
            try:
                return _strictly(judge, rows_of[code])
            except (ValueError, Warning) as problem:
                reasons[name, code] = _reason(name, problem)
                return math.nan

        return value

    # The frame is handed the groups rather than their rows: it makes an array of each row that it hands on, which is
    # a minute for half a million, and a metric may so judge whatever the model answered, not labels alone.
    frame = MetricFrame(
        metrics={name: told(name, judge) for name, judge in judges.items()},
        y_true=np.array(enough),
        y_pred=np.array(enough),
        sensitive_features=pd.Series(enough, name="group"),
    ).by_group
    found = {
        (name, int(code)): float(frame.loc[code, name])
        for name in judges
        for code in frame.index
        if not math.isnan(frame.loc[code, name])
    }
    for name in judges:
        for code in enough:
            if (name, code) not in found:
                reasons.setdefault((name, code), "not defined for its rows")
    return found, reasons


def _strictly(judge: Judge, rows: Rows) -> float:
    """What a metric says of rows; what scikit-learn only warns of, such as 0 for what is not defined, is no value."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        return judge(rows)


def _reason(name: str, problem: Exception) -> str:
    said = metrics.first_sentence(problem)
    return said if said.startswith("its rows") else f"not defined for its rows: {said}"


def _drawn(rows: Rows, judges: dict[str, Judge], pipeline: Pipeline, place: tuple[int, int]) -> dict[str, Rows]:
    """Each metric of rows that are drawn again and again; NaN where it is not defined for a draw."""
    from sklearn import config_context

    generator = np.random.default_rng([pipeline.split.seed, *place])
    draws, size = pipeline.evaluate.grouping.draws, min(len(rows), MOST_ROWS)
    found = {name: np.full(draws, math.nan) for name in judges}
    with config_context(assume_finite=True, skip_parameter_validation=True):
        for draw in range(draws):
            taken = rows[generator.integers(0, len(rows), size)]
            for name, judge in judges.items():
                try:
                    found[name][draw] = _strictly(judge, taken)
                except (ValueError, Warning):
                    continue
    return found


def _about(drawn: Rows, value: float, rows: int) -> Rows:
    """Draws of fewer rows than there are vary more than draws of all would."""
    return drawn if rows <= MOST_ROWS else value + (drawn - value) * math.sqrt(MOST_ROWS / rows)


def _interval(drawn: Rows, ends: tuple[float, float]) -> tuple[float | None, float | None]:
    defined = drawn[np.isfinite(drawn)]
    if len(defined) * 2 < len(drawn):
        return None, None
    low, high = np.quantile(defined, ends)
    return float(low), float(high)


def _gap(
    name: str,
    groups: Sequence[Group],
    every: Sequence[tuple[str, ...]],
    drawn: dict[int, dict[str, Rows]],
    values: dict[tuple[str, int], float],
    rows_of: Sequence[Rows],
    ends: tuple[float, float],
) -> Gap:
    gap = gap_of(groups, name)
    known = [code for code in range(len(every)) if (name, code) in values]
    if gap.value is None:
        return gap
    stacked = np.stack([_about(drawn[code][name], values[name, code], len(rows_of[code])) for code in known])
    # A draw that lacks a group says nothing of how far all are apart: NaN goes through.
    low, high = _interval(stacked.max(axis=0) - stacked.min(axis=0), ends)
    return Gap(gap.metric, gap.value, gap.least, gap.greatest, gap.ratio, low, high, gap.untold)
