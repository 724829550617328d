"""How a model does on groups, read from the log alone."""

import pytest

from lineal import Column, Dataset, Model, current_run, traced
from lineal.errors import SubjectError
from lineal.models.groups.interface import to_facet
from lineal.questions.groups import Figure, Group, Grouping, Groups, gap_of, groups
from lineal.subjects import Subject

FEMALE = Group(("f",), 40, 120, (Figure("recall", 0.7, 0.6, 0.8),))
MALE = Group(("m",), 3, 9, (Figure("recall", None, reason="too few rows (3 of at least 20)"),))
SEX = Grouping(("sex",), (FEMALE, MALE), (gap_of((FEMALE, MALE), "recall"),))
TOLD = Groups((), (SEX,), ("recall",), 20, 0.95, 100, 7, 43, 129)


@traced
def fit(data: Dataset) -> Model:
    return Model("t.model", "d" * 16, "models:/m-1", columns=(Column("y", "binary"),))


@traced
def evaluate(model: Model, told: Groups | None) -> None:
    if told is not None:
        current_run().groups(to_facet(told))


@traced
def register(model: Model) -> Model:
    about = {"action": "register", "namespace": "mlflow://local", "name": "t", "number": 1, "digest": model.digest}
    current_run().decisions([about | {"reason": "it held"}], by="the rules of pipeline t")
    return Model("models/t", model.digest, "models:/t/1", namespace="mlflow://local", number=1, columns=model.columns)


@traced
def train(told: Groups | None) -> None:
    model = fit(Dataset("s3://b/rows.csv", version="1"))
    evaluate(model, told)
    register(model)


def test_they_are_read_as_they_were_recorded(lineage, check_events):
    train(TOLD)
    found = groups(lineage.store, Subject("model", "t", "1"))
    run_id = lineage.event("train.evaluate")["run"]["runId"]
    assert found == Groups((), (SEX,), ("recall",), 20, 0.95, 100, 7, 43, 129, run_id)
    assert groups(lineage.store, Subject("run", run_id)) == found
    assert found.by("sex").group("m").figure("recall").reason == "too few rows (3 of at least 20)"
    assert found.by("sex").gap("recall").untold == ("m",)
    assert found.by("age") is None
    check_events(lineage.ndjson())


def test_where_no_run_tells_of_groups_there_are_none(lineage):
    train(None)
    assert groups(lineage.store, Subject("model", "t", "1")) is None
    with pytest.raises(SubjectError, match="other"):
        groups(lineage.store, Subject("model", "other"))
