"""From raw columns to numbers: one ColumnTransformer for whatever a table holds, without configuration.

=============  =====================================================================================================
number         mean for what is missing, with a 0/1 feature that says so; scaled where the estimator needs it
boolean        0/1, the most frequent for what is missing, with a 0/1 feature that says so
text, category one 0/1 feature a value, "missing" among them; beyond `MAX_CATEGORIES` the rarer values share one feature
date           days since 1970, and year, month, day, weekday and hour where they vary
empty          a column without a value in the training rows is not used
=============  =====================================================================================================

The mean, rather than the median, because it rests on every training value: a model whose training data differs in a
number anywhere is another model, by its digest too, even where a tree would have been cut at the same places.

The steps are scikit-learn's own; where raw values must first become plain numbers or text, it is by the functions and
the class that `lineal.models.storage.TRUSTED` names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from lineal.errors import DataError
from lineal.models.raw import as_dates, as_days, as_numbers, column_kind, to_numbers, to_texts

# A text column beyond this many values gives this many features, the last for all its rarer values.
MAX_CATEGORIES = 50
# Beyond this many bytes a dense table of 0/1 features gives way to a sparse one, if the estimator takes it.
DENSE_LIMIT = 512 * 1024**2
# A monotone change of a feature changes nothing that these learn; the naive Bayes ones want counts as they are.
_SCALE_FREE = ("sklearn.tree", "sklearn.ensemble", "sklearn.dummy", "sklearn.naive_bayes", "sklearn.isotonic")
_SCALE_FREE_PACKAGES = {"lightgbm", "xgboost", "catboost"}
_MISSING = "missingindicator_"


class DateFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Turn dates into numbers: the days since 1970, and the parts of the calendar that vary among the learnt rows.

    The time of day is the fraction of `days`; a weekday is 0 on Monday; dates with a time zone are taken in UTC.

    Attributes:
        parts_: the parts that each column gives, in the order of the columns.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn which parts vary, and which columns miss a value."""
        self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = X.shape[1]
        self.parts_ = []
        for place in range(X.shape[1]):
            dates = as_dates(X.iloc[:, place])
            vary = [part for part in _CALENDAR if len(np.unique(_part(dates.dropna(), part))) > 1]
            self.parts_.append(["days", *vary, *(["missing"] if dates.isna().any() else [])])
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Give the parts as floats, shape (rows, features); NaN where a date is missing."""
        columns = []
        for place, parts in enumerate(self.parts_):
            dates = as_dates(X.iloc[:, place])
            columns += [_part(dates, part) for part in parts]
        return np.column_stack(columns)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray[Any, Any]:
        """Name the features: `when.days`, `when.month`, …, `missingindicator_when`."""
        names = self.feature_names_in_ if input_features is None else input_features
        return np.array(
            [
                f"{_MISSING}{name}" if part == "missing" else f"{name}.{part}"
                for name, parts in zip(names, self.parts_, strict=True)
                for part in parts
            ],
            dtype=object,
        )


_CALENDAR = ("year", "month", "day", "weekday", "hour")


def _part(dates: pd.Series[Any], part: str) -> np.ndarray[Any, Any]:
    if part == "missing":
        return dates.isna().to_numpy(dtype=np.float64)
    if part == "days":
        return as_days(dates)
    return getattr(dates.dt, "day_of_week" if part == "weekday" else part).to_numpy(dtype=np.float64)  # type: ignore[no-any-return]


def category_feature(column: Any, category: Any) -> str:
    """Name the 0/1 feature of a category: `colour=red`."""
    return f"{column}={category}"


def preprocessor(frame: pd.DataFrame, features: Sequence[str], estimator: BaseEstimator) -> ColumnTransformer:
    """Set up, unfitted, the steps that turn raw columns into numbers.

    Args:
        frame: the training rows.
        features: the columns to learn from.
        estimator: what is to learn from them; it decides on scaling.

    Raises:
        DataError: when no column has a value, or one holds an infinite number.
    """
    blocks: dict[str, list[str]] = {"number": [], "boolean": [], "text": [], "date": [], "empty": []}
    for name in features:
        kind = column_kind(frame[name])
        blocks[kind].append(name)
        if kind == "number":
            as_numbers(frame[name])
    if len(blocks["empty"]) == len(features):
        raise DataError("no column has a value in the training rows; there is nothing to learn from")
    scale = needs_scaling(estimator)
    sparse = _sparse(frame, blocks["text"], estimator)
    steps = {
        "number": [
            ("numbers", FunctionTransformer(to_numbers, feature_names_out="one-to-one")),
            ("impute", SimpleImputer(strategy="mean", add_indicator=True, keep_empty_features=True)),
        ],
        "boolean": [
            ("numbers", FunctionTransformer(to_numbers, feature_names_out="one-to-one")),
            ("impute", SimpleImputer(strategy="most_frequent", add_indicator=True, keep_empty_features=True)),
        ],
        "text": [
            ("texts", FunctionTransformer(to_texts, feature_names_out="one-to-one")),
            ("impute", SimpleImputer(strategy="constant", fill_value="missing")),
            (
                "encode",
                OneHotEncoder(
                    handle_unknown="infrequent_if_exist",
                    max_categories=MAX_CATEGORIES,
                    sparse_output=sparse,
                    feature_name_combiner=category_feature,
                ),
            ),
        ],
        "date": [
            ("parts", DateFeatures()),
            ("impute", SimpleImputer(strategy="mean", keep_empty_features=True)),
        ],
    }
    if scale:
        for kind in ("number", "date"):
            steps[kind].append(("scale", StandardScaler()))
    return ColumnTransformer(
        [(kind, Pipeline(parts), blocks[kind]) for kind, parts in steps.items() if blocks[kind]],
        sparse_threshold=1.0 if sparse else 0.0,
        verbose_feature_names_out=False,
    )


def remarks(frame: pd.DataFrame, features: Sequence[str]) -> list[str]:
    """Say, a sentence each, which columns are not used in full."""
    said = []
    for name in features:
        kind = column_kind(frame[name])
        if kind == "empty":
            said.append(f"column {name!r} has no value in the training rows and is not used")
        elif kind == "text":
            distinct = _distinct(frame[name])
            if distinct > MAX_CATEGORIES:
                said.append(
                    f"column {name!r} has {distinct} different values; the {MAX_CATEGORIES - 1} most frequent are "
                    "told apart, the others are taken together (name it in source.drop if it is an identifier)"
                )
    return said


def needs_scaling(estimator: BaseEstimator) -> bool:
    """Tell whether an estimator, or one inside it, learns otherwise from a feature in other units."""
    inner = [part for part in estimator.get_params(deep=True).values() if isinstance(part, BaseEstimator)]
    return any(
        not kind.__module__.startswith(_SCALE_FREE) and kind.__module__.partition(".")[0] not in _SCALE_FREE_PACKAGES
        for kind in map(type, (estimator, *inner))
    )


def feature_names(fitted: Pipeline) -> list[str]:
    """Name the features that the model of a fitted pipeline is given, in order, each name once."""
    return [name for name, _ in _features(fitted)]


def feature_origins(fitted: Pipeline) -> dict[str, tuple[str, ...]]:
    """Lead each feature that the model of a fitted pipeline is given back to its source columns, in order."""
    return {name: (column,) for name, column in _features(fitted)}


def _features(fitted: Pipeline) -> list[tuple[str, str]]:
    """Each feature's name and source column, in the order that the model is given them."""
    preprocess = fitted.named_steps["preprocess"]
    found: list[tuple[str, str]] = []
    taken: set[str] = set()
    for _, steps, columns in preprocess.transformers_:
        if not isinstance(steps, Pipeline):
            continue
        for name, column in zip(steps.get_feature_names_out(), _sources(steps, list(columns)), strict=True):
            # `a=b=c` may be value `b=c` of column `a` and value `c` of column `a=b`.
            unique = next(each for each in _numbered(str(name)) if each not in taken)
            taken.add(unique)
            found.append((unique, column))
    return found


def _sources(steps: Pipeline, columns: list[str]) -> Iterator[str]:
    if "parts" in steps.named_steps:
        for column, parts in zip(columns, steps["parts"].parts_, strict=True):
            yield from [column] * len(parts)
        return
    # A column's place as its name leads back without doubt, whatever the columns are called.
    places = [str(place) for place in range(len(columns))]
    last = steps["encode"] if "encode" in steps.named_steps else steps["impute"]
    for name in last.get_feature_names_out(places):
        yield columns[int(str(name).removeprefix(_MISSING).partition("=")[0])]


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name} ({number})"
        number += 1


def _distinct(column: pd.Series[Any]) -> int:
    try:
        return int(column.nunique(dropna=False))
    except (TypeError, NotImplementedError):  # lists and the like cannot be hashed
        return len({str(value) for value in column})


def _sparse(frame: pd.DataFrame, texts: Sequence[str], estimator: BaseEstimator) -> bool:
    width = sum(min(_distinct(frame[name]), MAX_CATEGORIES) for name in texts)
    return 8 * width * len(frame) > DENSE_LIMIT and bool(estimator.__sklearn_tags__().input_tags.sparse)
