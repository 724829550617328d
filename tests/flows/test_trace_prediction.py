"""From a prediction back to the rows of the very files, on each example; and what is said where something is amiss."""

import csv
import json
import math
import sqlite3
from pathlib import Path

import pytest

from lineal.datasets.cache import Cache
from lineal.models import loaded
from lineal.store.log import Store

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]
EXAMPLES = {"breast_cancer": "breast-cancer", "wine": "wine", "penguins": "penguins"}
TARGETS = {"breast_cancer": "diagnosis", "wine": "cultivar", "penguins": "Body Mass (g)"}


def answer(lineal, *words):
    status, out, err = lineal(*words, "--json")
    assert status == 0, out + err
    return json.loads(out)


def read_csv(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def same(text, value):
    """Whether a source file's text and a value of the trace are the same."""
    if value is None:
        return text in ("", "NA")
    try:
        return math.isclose(float(text), float(value), rel_tol=1e-12)
    except ValueError:
        return text == str(value)


@pytest.fixture
def trained(lineal):
    """Train an example and predict its own rows, in two files."""

    def make(example):
        answer(lineal, "run", f"pipelines/{example}.toml")
        header, *rows = Path(f"pipelines/data/{example}.csv").read_text().splitlines()
        Path("new").mkdir()
        Path("new/a.csv").write_text("\n".join([header, *rows[:40]]) + "\n")
        Path("new/b.csv").write_text("\n".join([header, *rows[40:120]]) + "\n")
        loaded._held.clear()  # what traces is another process as a rule
        return answer(lineal, "predict", f"model:{EXAMPLES[example]}@champion", "--data", "new")["example"][:-1]

    return make


@pytest.mark.parametrize("example", EXAMPLES)
def test_predictions_lead_back_to_the_rows_of_the_files(example, trained, lineal, check_events):
    prefix = trained(example)
    files = {name: read_csv(f"new/{name}") for name in ("a.csv", "b.csv")}
    learnt = read_csv(f"pipelines/data/{example}.csv")
    target = TARGETS[example]
    for number, (name, row) in {1: ("a.csv", 1), 40: ("a.csv", 40), 97: ("b.csv", 57)}.items():
        loaded._held.clear()
        found = answer(lineal, "trace", f"prediction:{prefix}{number}", "--plot", "why.png", "--force")
        prediction, explanation = found["prediction"], found["explanation"]
        assert prediction["missing"] == explanation["missing"] == []

        # The row, in the very file.
        source = prediction["source"]
        assert (Path(source["uri"]).name, source["row"]) == (name, row)
        assert source["version"] == md5_of(f"new/{name}")
        for column, value in prediction["input"].items():
            assert same(files[name][row - 1][column], value), column
        assert prediction["model"]["name"] == EXAMPLES[example]
        assert prediction["model"]["aliases"] == ["champion"]
        assert prediction["model"]["asked_by"] == "champion"
        assert prediction["run"]["job"] == "predict"
        assert explanation["same"] is True

        # Why.
        why = explanation["attribution"]
        total = why["base"] + sum(each["value"] for each in why["contributions"])
        assert total == pytest.approx(why["output"], abs=1e-6)
        if example == "breast_cancer":
            assert (why["method"], why["unit"]) == ("tree", "probability")
            assert total == pytest.approx(prediction["answers"][f"probability_{prediction['value']}"], abs=1e-6)
            assert source["id"] == int(files[name][row - 1]["sample"])
        elif example == "penguins":
            assert (why["method"], why["unit"]) == ("tree", target)
            assert total == pytest.approx(prediction["value"], abs=1e-6)
            assert {"Species", "Sex", "Date Egg"} <= {each["column"] for each in why["contributions"]}
        else:
            assert why["method"] == "linear"
        assert Path("why.png").read_bytes().startswith(b"\x89PNG")

        # The training rows, in the file that the model learnt from.
        assert len(explanation["training_rows"]) == 5
        for near in explanation["training_rows"]:
            assert Path(near["source"]["uri"]).name == f"{example}.csv"
            assert same(learnt[near["source"]["row"] - 1][target], near["label"])
            if example == "breast_cancer":
                assert same(learnt[near["source"]["row"] - 1]["sample"], near["source"]["id"])
        # The batch is made of the same rows: one that was learnt from is its own nearest.
        first = explanation["training_rows"][0]
        if first["distance"] == 0:
            assert learnt[first["source"]["row"] - 1] == files[name][row - 1]
    assert found["prediction"]["descent"]["node"]["name"] == f"models/{EXAMPLES[example]}"
    status, out, _ = lineal("trace", f"prediction:{prefix}97")
    assert status == 0
    assert f"prediction:{prefix}97  {target} " in out
    assert "new/b.csv row 57  md5 " in out
    assert "nearest training rows" in out
    assert f"pipelines/data/{example}.csv@" in out
    assert "█" in out
    found_again(lineal, example, prefix, files)
    check_events(lineal("events")[1])
    explained(lineal, EXAMPLES[example], example)


def found_again(lineal, example, prefix, files):
    """The other way: the predictions are found from the file that was scored, that was learnt from, and the record."""
    pipeline = EXAMPLES[example]
    for file, models in (("new/b.csv", []), (f"pipelines/data/{example}.csv", [pipeline])):
        found = answer(lineal, "impact", f"file:{file}")
        assert found["counts"]["batches"] == 1
        assert found["counts"]["predictions"] == 120
        assert [model["name"] for model in found["models"]] == models
        assert f"{pipeline}.predictions" in [version["name"] for version in found["versions"]]
    if example != "breast_cancer":
        # Without an id column, a record is known by file and row.
        (predicted,) = answer(lineal, "impact", f"record:{pipeline}/new/b.csv#57")["predictions"]
        assert predicted["prediction_id"] == f"{prefix}97"
        assert answer(lineal, "impact", f"record:{pipeline}/{example}.csv#57")["predictions"] == []
    else:
        for number, row in ((1, files["a.csv"][0]), (40, files["a.csv"][39]), (97, files["b.csv"][56])):
            (predicted,) = answer(lineal, "impact", f"record:{pipeline}/{row['sample']}")["predictions"]
            assert predicted["prediction_id"] == f"{prefix}{number}"
            traced = answer(lineal, "trace", f"prediction:{prefix}{number}", "--no-explain")["prediction"]
            assert predicted["prediction"] == traced["value"]


def explained(lineal, model, example):
    """The model's own explanation: every measure, each feature led back to its column."""
    loaded._held.clear()
    found = answer(lineal, "explain", f"model:{model}@champion", "--plot", "what.png")
    assert found["missing"] == []
    assert Path("what.png").read_bytes().startswith(b"\x89PNG")
    header = set(read_csv(f"pipelines/data/{example}.csv")[0])
    for column in found["columns"]:
        assert column["column"] in header
        assert column["shap"] >= 0
        assert column["permutation_std"] is not None
    if example == "penguins":
        island = next(each for each in found["columns"] if each["column"] == "Island")
        assert {each["feature"] for each in island["features"]} >= {"Island=Biscoe", "Island=Dream"}
        assert island["own"] == pytest.approx(sum(each["value"] for each in island["features"]))
    # What was found is kept: the second answer needs no model.
    loaded._held.clear()
    assert answer(lineal, "explain", f"model:{model}@champion") == found
    assert not loaded._held
    (kept,) = Path(".lineal/explanations").glob("*.json")
    kept.write_text(kept.read_text()[:20])
    assert answer(lineal, "explain", f"model:{model}@champion") == found
    status, out, _ = lineal("explain", f"model:{model}")
    assert status == 0
    assert "mean absolute SHAP value in " in out


def md5_of(path):
    import hashlib

    return hashlib.md5(Path(path).read_bytes(), usedforsecurity=False).hexdigest()


def refused(lineal, *words):
    status, out, err = lineal(*words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    return err


def test_what_is_amiss_is_said_and_what_is_known_is_shown(trained, lineal):
    prefix = trained("wine")
    known = f"prediction:{prefix}97"
    stem = prefix.removesuffix("_")

    assert "no batch on record has predictions of such an id" in refused(lineal, "trace", "prediction:p00000000000z_1")
    assert "is no prediction id" in refused(lineal, "trace", "prediction:17")
    assert "the batch has 120 predictions" in refused(lineal, "trace", f"prediction:{prefix}121")
    assert f"{prefix}1 to {prefix}120" in refused(lineal, "trace", f"prediction:{stem}")
    assert f"there are {prefix}5" in refused(lineal, "trace", f"prediction:{stem[:6]}_5")
    assert "name it *.png" in refused(lineal, "trace", known, "--plot", "why.svg")
    assert "--no-explain" in refused(lineal, "trace", known, "--plot", "why.png", "--no-explain")
    assert "there is no folder" in refused(lineal, "explain", "model:wine", "--plot", "nowhere/what.png")
    assert not list(Path().glob("*.png"))

    # The model's file is another: it is not asked anything.
    with sqlite3.connect(".lineal/mlflow.db") as mlflow:
        ((place,),) = mlflow.execute("SELECT artifact_location FROM logged_models")
    file = Path(place.removeprefix("file://")) / "model.skops"
    kept = file.read_bytes()
    other = loaded.tracking.load_model("models:/wine/1")
    other[-1].coef_[0, 0] += 1e-9
    file.unlink()
    loaded.tracking.logged.storage.save(other, file)
    for words in (("trace", known), ("explain", "model:wine@1")):
        loaded._held.clear()
        assert "it may have been tampered with" in refused(lineal, *words)
    status, out, _ = lineal("trace", known, "--no-explain")
    assert status == 0
    assert "new/b.csv row 57" in out
    file.write_bytes(kept)

    # Bytes that are gone: first the rows that it learnt from, then the batch, then the predictions.
    found = answer(lineal, "trace", known)
    learnt = found["explanation"]["training"]
    gone = {name: found["prediction"][name]["version"] for name in ("batch", "predictions")}
    node = found["prediction"]["descent"]["node"]
    while not node["name"].endswith(".train"):
        node = next(each for each in node["inputs"] if each["name"].endswith((".model", ".train")))
    remove(node["version"])
    found = answer(lineal, "trace", known)
    assert found["prediction"]["value"] is not None
    assert found["explanation"]["attribution"] is None
    assert found["explanation"]["training_rows"] == []
    assert any(f"the bytes of {learnt.partition('@')[0]}@" in said for said in found["explanation"]["missing"])
    assert "missing" in lineal("trace", known)[1]
    found = answer(lineal, "explain", "model:wine")
    assert found["shap"] is None
    assert found["columns"][0]["permutation"] is not None
    assert "SHAP values: the bytes of wine.train@" in found["missing"][0]
    remove(gone["batch"])
    found = answer(lineal, "trace", known)
    assert found["explanation"] is None
    assert found["prediction"]["value"] is not None
    assert found["prediction"]["source"]["row"] == 57
    assert "the bytes of wine.batch@" in found["prediction"]["missing"][0]
    remove(gone["predictions"])
    found = answer(lineal, "trace", known)
    assert found["prediction"]["value"] is None
    assert found["prediction"]["model"]["number"] == 1
    assert "there is nothing to draw" in refused(lineal, "trace", known, "--plot", "why.png")

    # Two scoring runs of one beginning, such as two machines may make within a millisecond.
    twin = found["prediction"]["run_id"]
    other_id = twin[:-4] + ("0000" if not twin.endswith("0000") else "0001")
    store = Store()
    for body in list(store.events()):
        if json.loads(body)["run"]["runId"] == twin:
            store.append(json.loads(body.replace(twin, other_id)))
    said = refused(lineal, "trace", known)
    assert "several batches have this id" in said
    assert twin in said
    assert other_id in said


def remove(version):
    path = Cache().path(version)
    path.chmod(0o600)
    path.unlink()
