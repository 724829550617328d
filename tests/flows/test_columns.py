"""The way of a column through a whole pipeline: from the source file to a prediction, and back."""

import json

import pytest

from lineal.models import loaded

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]
TARGET = "Body Mass (g)"


def test_a_column_of_a_source_file_is_followed_to_the_predictions_and_back(lineal, project, check_events):
    assert lineal("run", "pipelines/penguins.toml")[0] == 0
    loaded._held.clear()  # what predicts is another process as a rule
    header, *rows = (project / "pipelines/data/penguins.csv").read_text().splitlines()
    (project / "new.csv").write_text("\n".join([header, *rows[::3]]) + "\n")
    assert lineal("predict", "model:penguins@champion", "--data", "new.csv", "--out", "scores.csv")[0] == 0
    check_events(lineal("events")[1])

    # Back: a copy of the predictions rests on the batch's file and on the file that was learnt from.
    status, out, err = lineal("trace", "file:scores.csv", "--column", "prediction", "--json")
    assert status == 0, err
    answer = json.loads(out)
    ends = [each for each in answer["columns"] if each["end"]]
    assert {each["end"] for each in ends} == {"source"}
    of = {
        name: {each["column"] for each in ends if each["name"].endswith(name)} for name in ("new.csv", "penguins.csv")
    }
    assert "Species" in of["new.csv"]
    assert of["penguins.csv"] == of["new.csv"] | {TARGET}
    # `drop` names it: it is in the file, and no prediction rests on it.
    assert "Comments" not in of["penguins.csv"]
    steps = {
        (answer["columns"][edge["target"]]["name"].rpartition("/")[2], how["subtype"])
        for edge in answer["edges"]
        for how in edge["transformations"]
        if answer["columns"][edge["source"]]["column"] == "Species"
    }
    assert steps == {
        ("penguins.batch", "IDENTITY"),
        ("penguins.predictions", "TRANSFORMATION"),
        ("penguins.model", "AGGREGATION"),
        ("penguins.train", "IDENTITY"),
        ("penguins.snapshot", "IDENTITY"),
    }

    # Forward: what was learnt from is used by the model, its evaluation and the predictions; what was dropped is not.
    status, out, err = lineal("impact", "file:pipelines/data/penguins.csv", "--column", "Species", "--json")
    assert status == 0, err
    answer = json.loads(out)
    assert [(model["name"], model["number"]) for model in answer["models"]] == [("penguins", 1)]
    assert answer["untold"] == []
    used = {(each["name"], each["column"]) for each in answer["columns"]}
    assert {
        ("penguins.predictions", "prediction"),
        ("penguins.evaluation", "prediction"),
        ("penguins.importances", "importance"),
        ("models/penguins", TARGET),
    } <= used
    assert ("penguins.evaluation", "actual") not in used
    status, out, err = lineal("impact", "file:pipelines/data/penguins.csv", "--column", "Comments")
    assert status == 0, err
    assert "no model, no prediction column" in out

    # The same from the model: what it takes is used by what it predicts.
    status, out, err = lineal("impact", "model:penguins@champion", "--column", "Species", "--json")
    assert status == 0, err
    assert ("penguins.predictions", "prediction") in {
        (each["name"], each["column"]) for each in json.loads(out)["columns"]
    }

    status, out, _ = lineal("trace", "model:penguins@champion", "--column", "Species")
    assert status == 0
    assert "rests on 1 column of pipelines/data/penguins.csv: Species" in out

    status, out, err = lineal("impact", "file:pipelines/data/penguins.csv", "--column", "Specie")
    assert (status, out) == (2, "")
    assert "did you mean 'Species'?" in err
    status, out, err = lineal("trace", "file:scores.csv", "--column", "prediction", "--as-of", "2020-01-01")
    assert (status, out) == (2, "")

    # Predicting tried nothing: only the training counts.
    status, out, _ = lineal("discover", "--json")
    (lesson,) = json.loads(out)["lessons"]
    assert (lesson["experiments"], lesson["scored"]) == (1, 1)
