"""Score a batch: some rows at a time, from a dataset version to a table of predictions, in constant memory."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from threadpoolctl import threadpool_limits

from lineal.datasets.cache import Cache
from lineal.datasets.dataset import Dataset
from lineal.datasets.frame import as_frame
from lineal.datasets.prediction_ids import batch_prefix, prediction_ids
from lineal.datasets.read import batches
from lineal.datasets.types import columns_of
from lineal.datasets.writer import TableWriter
from lineal.errors import DataError, EstimatorError
from lineal.models.columns import Kind, kind_of
from lineal.models.inorder import in_order, is_forest, threads_asked
from lineal.models.metrics import classes_of, first_sentence
from lineal.progress import Progress, unwatched

ROW_NUMBER = "row"
"""Names a row of the batch, by its 1-based number, where the batch has no id column."""
# What they predict is by definition the class of the highest probability: they need not be asked twice.
_BY_PROBABILITY = (RandomForestClassifier, ExtraTreesClassifier, DecisionTreeClassifier, ExtraTreeClassifier)
# Fewer rows are not worth a thread.
_LEAST_ROWS = 1_000
_Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Share:
    """How often a class was predicted.

    Attributes:
        label: of the class.
        rows: that were predicted as it.
        share: of all rows.
        probability: the mean probability of the class over all rows; None where the model gives none.
    """

    label: Any
    rows: int
    share: float
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Where predicted numbers lie; `std` is the sample's, None below two rows."""

    min: float
    max: float
    mean: float
    std: float | None


@dataclass(frozen=True, slots=True)
class Scores:
    """What came of scoring a batch.

    Attributes:
        predictions: the table: the batch's id column (or `row`), `prediction_id`, `prediction`, of a classifier
            `probability_{class}` (or else `score_{class}`), and `model_version`.
        kind: `binary`, `multiclass` or `regression`.
        prefix: what each prediction's id begins with, up to its row.
        shares: of each class, in the order of the labels; empty for a regression.
        spread: of a regression's predictions.
    """

    predictions: Dataset
    kind: Kind
    prefix: str
    shares: tuple[Share, ...] = ()
    spread: Spread | None = None

    @property
    def example(self) -> str:
        """The first prediction's id."""
        return f"{self.prefix}1"


def score(
    estimator: Any,
    batch: Dataset,
    name: str,
    *,
    run_id: UUID,
    version: int,
    id_column: str | None = None,
    threads: int = 1,
    cache: Cache | None = None,
    on_progress: Progress = unwatched,
) -> Scores:
    """Predict every row of a batch, in order: the same model gives the same bits each time, whatever its `n_jobs`.

    Args:
        estimator: the fitted pipeline, from raw columns to prediction.
        batch: the rows; other columns than those that the model takes are not read.
        name: of the table of predictions, such as `wine.predictions`.
        run_id: the OpenLineage id of the scoring run, from which the predictions' ids follow.
        version: of the registered model.
        id_column: the batch's column that names its rows.
        threads: BLAS and OpenMP threads, those that the model was fitted with.
        cache: where the table is kept.
        on_progress: told the rows that are through.

    Raises:
        DataError: a column is not there or holds what the model does not take.
        EstimatorError: the model refuses the rows.
        SourceError: the batch's file is gone.
        StorageError: the table cannot be written.
    """
    cache = cache or Cache()
    oracle = _Oracle(estimator, threads_asked(estimator))
    columns = oracle.columns
    prefix = batch_prefix(run_id)
    key = next((column for column in batch.columns if column.name == id_column), None)
    wanted = list(dict.fromkeys([*([key.name] if key else []), *columns]))
    tally = _Tally(oracle.classes, oracle.answer)
    writer: TableWriter | None = None
    done = 0
    with cache.temporary(".parquet") as file, threadpool_limits(limits=threads), ExitStack() as stack:
        for rows in batches(batch, wanted):
            predicted, answers = _asked(oracle, rows, columns)
            made = _table(rows, key.name if key else None, prefix, done, predicted, answers, version)
            if writer is None:
                writer = stack.enter_context(TableWriter(file, made.schema))
            writer.write(made)
            tally.take(predicted, answers)
            done += rows.num_rows
            on_progress(done, batch.rows)
        if writer is None:
            raise DataError("there are no rows for the model to predict")
        marks = writer.finish()
        path, marks = cache.put(file, marks)
    predictions = Dataset(
        path,
        name=name,
        version=marks.md5,
        sha256=marks.sha256,
        size=marks.size,
        rows=done,
        columns=columns_of(writer.schema),
    )
    return Scores(predictions, kind_of(estimator), prefix, *tally.result())


class _Oracle:
    """A fitted pipeline that is asked once a batch: the preprocessing is done once for all its answers.

    Args:
        estimator: the pipeline.
        threads: that its ensemble asks for; a forest has its rows spread over them, and not its trees.
    """

    def __init__(self, estimator: Any, threads: int) -> None:
        self.columns = taken_columns(estimator)
        self.classes = classes_of(estimator)
        self._preprocess, self._model = estimator[:-1], estimator[-1]
        told = [way for way in ("predict_proba", "decision_function") if self.classes and hasattr(self._model, way)]
        self.answer = told[0] if told else None
        self._by_probability = type(self._model) in _BY_PROBABILITY and self.answer == "predict_proba"
        self._labels = _labels(self.classes)
        self._threads = threads if is_forest(self._model) else 1

    def __call__(self, frame: pd.DataFrame) -> tuple[pa.Array, dict[str, _Floats]]:
        """The predictions, and the columns of probabilities or scores."""
        features = self._preprocess.transform(frame)
        told = None if self.answer is None else self._said(self.answer, features)
        columns: dict[str, _Floats] = {}
        if told is not None:
            word = "probability" if self.answer == "predict_proba" else "score"
            labels = self.classes if told.ndim == 2 else self.classes[1:]
            told = told.reshape(len(frame), -1)
            if told.shape[1] == len(labels):
                columns = {f"{word}_{label}": told[:, place] for place, label in enumerate(labels)}
        if self._by_probability and told is not None:
            return self._labels.take(pa.array(np.argmax(told, axis=1))), columns
        predicted = self._said("predict", features)
        if not self.classes:
            return pa.array(predicted.astype(np.float64).reshape(len(frame))), columns
        return pa.array(predicted.tolist(), self._labels.type), columns

    def _said(self, way: str, features: Any) -> np.ndarray[Any, Any]:
        """One of the model's answers about all rows."""

        def ask(some: Any) -> np.ndarray[Any, Any]:
            # How joblib works is set a thread.
            with in_order(self._model):
                return np.asarray(getattr(self._model, way)(some))

        size = max(_LEAST_ROWS, -(-features.shape[0] // self._threads))
        parts = [features[at : at + size] for at in range(0, features.shape[0], size)]
        if len(parts) < 2:
            return ask(features)
        with ThreadPoolExecutor(len(parts)) as pool:
            return np.concatenate(list(pool.map(ask, parts)))


def taken_columns(estimator: Any) -> list[str]:
    """The raw columns that a fitted pipeline makes features from, in the order that it learnt them."""
    used = {
        str(name)
        for _, steps, names in estimator.named_steps["preprocess"].transformers_
        if steps != "drop"
        for name in names
    }
    return [str(name) for name in estimator.feature_names_in_ if str(name) in used]


def _labels(classes: Sequence[Any]) -> pa.Array:
    if classes and not isinstance(classes[0], (str, bool, int, float)):
        return pa.array([str(label) for label in classes])
    return pa.array(list(classes))


def _asked(oracle: _Oracle, rows: pa.RecordBatch, columns: Sequence[str]) -> tuple[pa.Array, dict[str, _Floats]]:
    frame = as_frame(rows.select(list(columns)), plain_text=True)
    with warnings.catch_warnings():
        # A value that was never learnt is told of by the comparison with the training rows, once for the whole batch.
        warnings.simplefilter("ignore")
        try:
            return oracle(frame)
        except (ValueError, TypeError, ArithmeticError) as problem:
            raise EstimatorError(
                f"the model cannot predict these rows: {first_sentence(problem)}; correct them, or leave them out"
            ) from problem


def _table(
    rows: pa.RecordBatch,
    key: str | None,
    prefix: str,
    done: int,
    predicted: pa.Array,
    answers: dict[str, _Floats],
    version: int,
) -> pa.RecordBatch:
    count = rows.num_rows
    numbers = pa.array(range(done + 1, done + count + 1), pa.int64())
    columns: dict[str, pa.Array] = {key or ROW_NUMBER: rows.column(key) if key else numbers}
    columns["prediction_id"] = prediction_ids(prefix, done + 1, count)
    columns["prediction"] = predicted
    columns |= {name: pa.array(values) for name, values in answers.items()}
    columns["model_version"] = pa.array(np.full(count, version, dtype=np.int64))
    expected = 3 + len(answers) + 1
    if len(columns) != expected:
        raise DataError(
            f"the id column {key!r} is named as a column of the predictions is; rename it in the source", column=key
        )
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


class _Tally:
    """What was predicted, counted as it goes past."""

    def __init__(self, classes: Sequence[Any], answer: str | None) -> None:
        self._classes, self._answer = classes, answer
        self._rows = dict.fromkeys(classes, 0)
        self._sums: dict[str, float] = {}
        self.count, self._mean, self._squares = 0, 0.0, 0.0
        self._low, self._high = math.inf, -math.inf

    def take(self, predicted: pa.Array, answers: dict[str, _Floats]) -> None:
        if self._classes:
            self.count += len(predicted)
            for entry in predicted.value_counts().to_pylist():
                self._rows[entry["values"]] = self._rows.get(entry["values"], 0) + entry["counts"]
            for name, values in answers.items():
                self._sums[name] = self._sums.get(name, 0.0) + float(values.sum())
            return
        values = predicted.to_numpy(zero_copy_only=False)
        self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))
        # Mean and spread by Chan's pairwise update.
        mean, gap = float(values.mean()), float(values.mean()) - self._mean
        total = self.count + len(values)
        self._squares += float(np.square(values - mean).sum()) + gap * gap * self.count * len(values) / total
        self._mean += gap * len(values) / total
        self.count = total

    def result(self) -> tuple[tuple[Share, ...], Spread | None]:
        if not self._classes:
            std = math.sqrt(self._squares / (self.count - 1)) if self.count > 1 else None
            return (), Spread(self._low, self._high, self._mean, std)
        return tuple(self._shares()), None

    def _shares(self) -> Iterator[Share]:
        for label, rows in self._rows.items():
            total = self._sums.get(f"probability_{label}")
            yield Share(label, rows, rows / self.count, None if total is None else total / self.count)
