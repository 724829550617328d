"""Discovery and search over real runs of a pipeline."""

import json

import pytest

from lineal.store.log import Store

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

PIPELINE = """
name = "small"
description = "Is it yes?"
[source]
uri = "rows.csv"
target = "y"
[[checks]]
column = "a"
nulls = false
[split]
seed = 1
[model]
estimator = "sklearn.tree.DecisionTreeClassifier"
params = { max_depth = 2 }
[evaluate]
metrics = ["accuracy"]
[register]
name = "small"
alias = "champion"
"""


def rows(count=60):
    return ["a,b,y", *(f"{n % 7},{n * 0.5},{'yes' if n % 7 > 2 else 'no'}" for n in range(count))]


def test_lessons_of_real_runs(project, lineal, check_events):
    (project / "small.toml").write_text(PIPELINE)
    (project / "rows.csv").write_text("\n".join(rows()) + "\n")
    for changed in ("model.params.max_depth=1", "model.params.max_depth=2", "model.params.max_depth=2"):
        assert lineal("run", "small.toml", "--set", changed)[0] == 0
    broken = rows()
    broken[5] = ",1.0,yes"
    (project / "rows.csv").write_text("\n".join(broken) + "\n")
    assert lineal("run", "small.toml")[0] != 0

    status, out, err = lineal("discover", "--json")
    assert status == 0, err
    (lesson,) = json.loads(out)["lessons"]
    assert (lesson["pipeline"], lesson["metric"], lesson["experiments"], lesson["scored"]) == (
        "small",
        "accuracy",
        4,
        3,
    )
    # A gate, a check or a name says nothing of the model; the depth alone was varied.
    nearest = lesson["nearest"]
    assert (nearest["name"], nearest["before"], nearest["after"]) == ("model.params.max_depth", "1", "2")
    (repeat,) = lesson["repeats"]
    assert (repeat["count"], repeat["differs"]) == (2, 0.0)
    assert repeat["seconds"] > 0.1
    (best,) = lesson["best"]
    assert best["experiments"] == 3
    assert best["rows"][0].startswith("small.test@")
    (failing,) = lesson["breaks"]
    assert (failing["kind"], failing["dataset"], failing["what"]) == ("check", "small.snapshot", "not_null a")
    assert any("a misses 1 values" in each for each in failing["changed"])

    status, out, _ = lineal("discover")
    assert "which settings move accuracy: 3 runs are too few; about 17 more, with other values, begin to show" in out
    assert "lineal run small.toml --set split.seed=2\n" in out
    assert "the check not_null a fails since small.snapshot@" in out
    status, out, _ = lineal("search", "is it yes", "--json")
    assert {hit["kind"] for hit in json.loads(out)["hits"]} == {"description", "run"}
    # The error of the failed run, from the words that its user saw.
    status, out, _ = lineal("search", "rows.csv missing", "--json")
    assert status == 0
    check_events("".join(f"{body}\n" for body in Store().events()))
