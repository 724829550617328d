"""Groups in MLflow: names that it takes and that stay apart, a table, a picture."""

import math

import pytest

from lineal.models import tracking
from lineal.models.groups.interface import Column, Figure, Gap, Group, Grouping, Groups
from lineal.models.groups.logging import PICTURE, TABLE, log_groups, metrics, table
from lineal.models.groups.picture import picture


def group(name, value, rows=30):
    figure = Figure("recall", value, None if value is None else value - 0.1, None if value is None else value + 0.1)
    return Group((name,), rows, 2 * rows, (figure if value is not None else Figure("recall", None, reason="too few"),))


@pytest.fixture
def groups():
    names = ["<5", ">5", "a/b", "..", "$x$", "a & b", "$x$ & y"]
    by_age = Grouping(("age",), tuple(group(n, 0.5 + i / 100) for i, n in enumerate(names)), (Gap("recall", 0.06),))
    by_sex = Grouping(("sex",), (group("f", 0.7), group("m", None, 3)), (Gap("recall", None, untold=("m",)),))
    both = Grouping(("sex", "age"), problem="it has 400 groups, and no more than 100 are told of")
    return Groups((Column("sex", "values"),), (by_sex, by_age, both), ("recall",), 20, 0.95, 100, 7, 33, 66)


def test_names_are_such_that_mlflow_takes_them_and_tells_them_apart(groups):
    found = metrics(groups)
    assert found["groups/sex/recall/f"] == 0.7
    assert found["groups/sex/count/m"] == 3
    assert "groups/sex/recall/m" not in found
    assert found["gaps/age/recall"] == 0.06
    assert "gaps/sex/recall" not in found
    assert {name: found[f"groups/age/recall/{name}"] for name in ("_5", "_5_2", "a_b", "__", "a and b")} == {
        "_5": 0.5, "_5_2": 0.51, "a_b": 0.52, "__": 0.53, "a and b": 0.55,
    }  # fmt: skip


def test_mlflow_has_metrics_a_table_and_a_picture(groups):
    tracking.connect()
    with tracking.start("credit") as recording:
        log_groups(recording, groups)
    run = tracking.connect().get_run(recording.tracked.run_id)
    assert run.data.metrics == pytest.approx(metrics(groups))
    kept = tracking.artifact(recording.tracked.run_id, TABLE).decode()
    assert kept.splitlines()[0] == "by,group,rows,training rows,metric,value,low,high,note"
    assert "sex,m,3,6,recall,,,,too few" in kept
    assert 'sex & age,,,,,,,,"it has 400 groups, and no more than 100 are told of"' in kept
    names = [each.path for each in tracking.connect().list_artifacts(recording.tracked.run_id, "plots")]
    assert names == [PICTURE]


def test_the_table_has_a_row_a_metric_of_a_group(groups):
    found = table(groups)
    assert len(found) == 2 + 7 + 1
    assert found.loc[found["group"] == "m", "value"].isna().all()


def test_the_picture_shows_each_group_and_says_what_cannot_be_told(groups, tmp_path):
    drawn = picture(groups)
    (axes,) = drawn.axes
    assert [text.get_text() for text in axes.get_yticklabels()][:3] == ["by sex", "f  (30)", "m  (3)"]
    assert [text.get_text() for text in axes.texts] == ["cannot be told"]
    values = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert values[0] == 0.7
    assert len(values) == 1 + 7
    assert all(math.isfinite(value) for value in values)
    drawn.savefig(tmp_path / "groups.png")
