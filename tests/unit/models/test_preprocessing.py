import datetime
import decimal
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from lineal.errors import DataError
from lineal.models import preprocessing, storage
from lineal.models.digest import digest
from lineal.models.preprocessing import feature_names, feature_origins, preprocessor

ROWS = 40


def mixed() -> pd.DataFrame:
    place = range(ROWS)
    return pd.DataFrame(
        {
            "whole": list(place),
            "part": [None if at % 5 == 0 else at / 2 for at in place],
            "nullable": pd.array([None if at % 7 == 0 else at for at in place], dtype="Int64"),
            "yes": [at % 2 == 0 for at in place],
            "perhaps": [None if at % 9 == 0 else at % 2 == 0 for at in place],
            "colour": [None if at % 4 == 0 else ("red", "green", "blue")[at % 3] for at in place],
            "size": pd.Categorical([("s", "m")[at % 2] for at in place]),
            "day": [None if at % 6 == 0 else datetime.date(2020, 1 + at % 12, 1) for at in place],
            "moment": pd.date_range("2020-01-01", periods=ROWS, freq="7h", tz="UTC"),
            "lasting": pd.to_timedelta(list(place), unit="h"),
            "price": [decimal.Decimal(at) for at in place],
            "constant": 1,
            "empty": None,
        }
    )


TARGET = [at % 2 for at in range(ROWS)]


def fitted(frame, estimator=None, target=TARGET):
    estimator = DecisionTreeClassifier(random_state=0) if estimator is None else estimator
    steps = Pipeline([("preprocess", preprocessor(frame, list(frame), estimator)), ("model", estimator)])
    return steps.fit(frame, target)


def features(steps, frame):
    return pd.DataFrame(steps[:-1].transform(frame), columns=feature_names(steps))


def test_a_mixed_table_becomes_finite_numbers_without_a_warning():
    frame = mixed()

    steps = fitted(frame)
    numbers = features(steps, frame)

    assert numbers.shape == (ROWS, len(feature_names(steps)))
    assert np.isfinite(numbers.to_numpy(dtype=float)).all()
    assert len(steps.predict(frame)) == ROWS


def test_each_feature_leads_back_to_its_column():
    origins = feature_origins(fitted(mixed()))

    assert origins["whole"] == ("whole",)
    assert origins["missingindicator_part"] == ("part",)
    assert origins["missingindicator_perhaps"] == ("perhaps",)
    assert origins["colour=red"] == origins["colour=missing"] == ("colour",)
    assert origins["size=m"] == ("size",)
    assert origins["day.month"] == origins["missingindicator_day"] == ("day",)
    assert origins["moment.hour"] == ("moment",)
    assert {column for (column,) in origins.values()} == set(mixed()) - {"empty"}


def test_names_are_scikit_learns_where_it_has_them():
    steps = fitted(mixed())

    assert feature_names(steps) == list(steps[:-1].get_feature_names_out())


def test_names_that_would_meet_are_told_apart():
    frame = pd.DataFrame(
        {
            "a": ["b=c", "x"] * 20,
            "a=b": ["c", "y"] * 20,
            "n": [1.0, None] * 20,
            "missingindicator_n": range(40),
            "12": ["=", "1=2"] * 20,
        }
    )

    origins = feature_origins(fitted(frame))

    assert len(origins) == fitted(frame)[:-1].transform(frame).shape[1]
    assert (origins["a=b=c"], origins["a=b=c (2)"]) == (("a",), ("a=b",))
    assert (origins["missingindicator_n"], origins["missingindicator_n (2)"]) == (("missingindicator_n",), ("n",))
    assert origins["12=1=2"] == ("12",)


def test_what_is_missing_is_filled_and_marked():
    frame = pd.DataFrame({"n": [1.0, None, 3.0, 5.0] * 10, "b": [True, None, True, False] * 10})

    numbers = features(fitted(frame), frame)

    assert numbers["n"][:4].tolist() == [1, 3, 3, 5]
    assert numbers["b"][:4].tolist() == [1, 1, 1, 0]
    assert numbers["missingindicator_n"][:4].tolist() == numbers["missingindicator_b"][:4].tolist() == [0, 1, 0, 0]


def test_missing_only_at_prediction_is_filled_from_the_learnt_rows():
    learnt = pd.DataFrame({"n": [1.0, 2.0, 9.0, 4.0] * 10, "c": ["x", "y"] * 20, "b": [True, False] * 20})
    steps = fitted(learnt)

    numbers = features(steps, pd.DataFrame({"n": [None], "c": [None], "b": [None]}))

    assert numbers.iloc[0].to_dict() == {"n": 4, "b": 0, "c=x": 0, "c=y": 0}


def test_values_never_seen_predict_without_a_warning():
    learnt = mixed()
    steps = fitted(learnt)
    new = learnt.assign(colour="violet", size=pd.Categorical(["xxl"] * ROWS), empty="now full")

    assert len(steps.predict(new)) == ROWS
    assert features(steps, new).filter(like="colour=").sum().sum() == 0


def test_columns_may_come_in_any_order_and_with_others():
    frame = mixed()
    steps = fitted(frame)

    assert (steps.predict(frame.assign(extra=1)[[*reversed(frame.columns), "extra"]]) == steps.predict(frame)).all()


@pytest.mark.parametrize(
    "reading",
    [
        lambda frame: frame.astype({"whole": "float64", "yes": "object", "colour": "object", "constant": "int8"}),
        lambda frame: frame.astype({"colour": "category", "size": "str", "part": "Float64", "perhaps": "boolean"}),
        lambda frame: frame.assign(
            day=pd.to_datetime(frame["day"]), moment=frame["moment"].dt.tz_convert("Asia/Tokyo")
        ),
        lambda frame: frame.assign(moment=frame["moment"].dt.as_unit("ns"), price=frame["price"].astype(float)),
        lambda frame: frame.assign(day=[None if day is None else day.isoformat() for day in frame["day"]]),
        lambda frame: frame.assign(whole=frame["whole"].astype(str), yes=frame["yes"].astype(str).str.lower()),
    ],
    ids=["objects", "nullable", "zones", "units", "dates as text", "numbers as text"],
)
def test_the_same_values_typed_otherwise_predict_the_same(reading):
    frame = mixed()
    steps = fitted(frame)

    pd.testing.assert_frame_equal(features(steps, reading(frame)), features(steps, frame))


def test_the_same_values_typed_otherwise_give_the_same_model():
    frame = mixed().drop(columns="lasting")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' and pyarrow's own, on the way over
        arrow = pa.Table.from_pandas(frame).to_pandas(types_mapper=pd.ArrowDtype)

    assert {dtype.storage for dtype in arrow.dtypes if hasattr(dtype, "storage")} <= {"pyarrow"}
    assert digest(fitted(arrow)) == digest(fitted(frame))
    assert digest(fitted(frame.astype({"colour": "object", "whole": "Int64"}))) == digest(fitted(frame))


def test_whole_numbers_are_one_category_however_they_are_typed():
    frame = pd.DataFrame({"code": pd.Categorical([1, 2] * 20), "mix": [1, "a", 2.5, None] * 10})
    steps = fitted(frame)

    assert feature_names(steps) == ["code=1", "code=2", "mix=1", "mix=2.5", "mix=a", "mix=missing"]
    floats = frame.assign(code=frame["code"].astype(float), mix=["1", "a", decimal.Decimal("2.5"), np.nan] * 10)
    pd.testing.assert_frame_equal(features(steps, floats), features(steps, frame))


def test_many_values_share_a_feature_and_it_is_said():
    frame = pd.DataFrame({"id": [f"row {at}" for at in range(2000)], "c": ["x", "y"] * 1000})

    steps = fitted(frame, target=[0, 1] * 1000)

    assert len(feature_names(steps)) == preprocessing.MAX_CATEGORIES + 2
    assert features(steps, pd.DataFrame({"id": ["new"], "c": ["x"]}))["id=infrequent_sklearn"].item() == 1
    (said,) = preprocessing.remarks(frame, ["id", "c"])
    assert said.startswith("column 'id' has 2000 different values; the 49 most frequent are told apart")


def test_an_empty_column_is_not_used_and_it_is_said():
    frame = pd.DataFrame({"n": range(ROWS), "none": [None] * ROWS, "nan": np.nan})

    assert feature_names(fitted(frame)) == ["n"]
    assert preprocessing.remarks(frame, list(frame)) == [
        "column 'none' has no value in the training rows and is not used",
        "column 'nan' has no value in the training rows and is not used",
    ]


def test_nothing_but_empty_columns_is_refused():
    with pytest.raises(DataError, match="no column has a value in the training rows"):
        fitted(pd.DataFrame({"a": [None] * ROWS}))


def test_dates_give_the_parts_that_vary():
    frame = pd.DataFrame({"when": pd.to_datetime(["1970-01-02 06:00", "1970-01-05 06:00", None] * 13)})

    numbers = features(fitted(frame, target=[0, 1, 0] * 13), frame)

    assert list(numbers) == ["when.days", "when.day", "when.weekday", "missingindicator_when"]
    assert numbers.iloc[0].tolist() == [1.25, 2, 4, 0]
    assert numbers.iloc[1].tolist() == [4.25, 5, 0, 0]
    assert numbers.iloc[2].tolist() == [2.75, 3.5, 2, 1]


def test_a_date_beyond_what_nanoseconds_reach_is_a_date_and_changes_no_other():
    days = ["2020-01-01T05:06:07.000008", None, "9999-12-31", "0001-01-01"]
    near = pd.DataFrame({"when": np.array(days[:2] * 20, dtype="datetime64[us]")})
    far = pd.DataFrame({"when": np.array(days * 10, dtype="datetime64[us]")})

    numbers = features(fitted(far), far)["when.days"]

    assert numbers[2:4].tolist() == [2_932_896, -719_162]
    assert numbers[0] == features(fitted(near), near)["when.days"][0]


def test_times_and_durations_are_seconds():
    frame = pd.DataFrame(
        {"at": [datetime.time(1, 0, 5), None] * 20, "took": [datetime.timedelta(minutes=1), None] * 20}
    ).astype({"took": "object"})

    numbers = features(fitted(frame), frame)

    assert numbers.iloc[0][["at", "took"]].tolist() == [3605, 60]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("whole", "much", "column 'whole' holds something else in row 2 where numbers were learnt"),
        ("yes", "perhaps", "column 'yes' holds something else in row 2 where numbers were learnt"),
        ("whole", float("inf"), "column 'whole' is infinite in 1 of 2 rows, first in row 2"),
        ("day", "tomorrow", "column 'day' holds a value that is no date, where dates were learnt"),
    ],
)
def test_a_value_of_another_kind_is_told_and_not_repeated(column, value, said):
    steps = fitted(mixed())
    new = mixed().head(2).astype({column: "object"})
    new.loc[1, column] = value

    with pytest.raises(DataError, match=said) as caught:
        steps.predict(new)

    assert caught.value.column == column
    assert "much" not in caught.value.message


def test_infinity_is_refused_before_anything_is_fitted():
    frame = pd.DataFrame({"ratio": [1.0, float("-inf")] * 20})

    with pytest.raises(DataError, match="column 'ratio' is infinite in 20 of 40 rows, first in row 2"):
        preprocessor(frame, ["ratio"], DecisionTreeClassifier())


def test_complex_numbers_are_refused():
    with pytest.raises(DataError, match=r"column 'z' holds complex numbers.*source\.drop"):
        preprocessor(pd.DataFrame({"z": [1j, 2j]}), ["z"], DecisionTreeClassifier())


@pytest.mark.parametrize(
    ("estimator", "scaled"),
    [
        (LogisticRegression(), True),
        (SVC(), True),
        (KNeighborsClassifier(), True),
        (VotingClassifier([("a", RandomForestClassifier()), ("b", LogisticRegression())]), True),
        (RandomForestClassifier(), False),
        (HistGradientBoostingClassifier(), False),
        (DecisionTreeClassifier(), False),
        (MultinomialNB(), False),
        (VotingClassifier([("a", RandomForestClassifier()), ("b", DecisionTreeClassifier())]), False),
    ],
    ids=lambda value: str(value)[:60],
)
def test_numbers_are_scaled_where_the_estimator_needs_it(estimator, scaled):
    frame = pd.DataFrame({"n": [10.0, 30.0] * 20, "b": [True, False] * 20})

    numbers = features(fitted(frame, clone(estimator)), frame)

    assert numbers["n"][:2].tolist() == ([-1, 1] if scaled else [10, 30])
    assert numbers["b"][:2].tolist() == [1, 0]


def test_a_very_wide_table_is_sparse_where_the_estimator_takes_it(monkeypatch):
    monkeypatch.setattr(preprocessing, "DENSE_LIMIT", 100)
    frame = pd.DataFrame({"n": range(ROWS), "c": ["x", "y"] * 20})

    forest, boosting = fitted(frame, RandomForestClassifier(2)), fitted(frame, HistGradientBoostingClassifier())

    assert hasattr(forest[:-1].transform(frame), "toarray")
    assert isinstance(boosting[:-1].transform(frame), np.ndarray)
    assert feature_names(forest) == ["n", "c=x", "c=y"]


def test_lists_and_other_objects_are_text():
    frame = pd.DataFrame({"tags": [["a"], ["a", "b"], None, {"k": 1}] * 10})

    assert feature_names(fitted(frame)) == ["tags=['a', 'b']", "tags=['a']", "tags=missing", "tags={'k': 1}"]


def test_a_saved_model_is_the_same_model(tmp_path):
    frame = mixed()
    steps = fitted(frame)

    storage.save(steps, tmp_path / "model.skops")
    loaded = storage.load(tmp_path / "model.skops")

    assert digest(loaded) == digest(steps)
    assert feature_origins(loaded) == feature_origins(steps)
    assert (loaded.predict(frame) == steps.predict(frame)).all()


def test_what_is_trusted_is_what_is_there(tmp_path):
    held = storage.save(fitted(mixed()), tmp_path / "model.skops")

    assert {name for name in held if name.startswith("lineal.")} <= storage.TRUSTED
