"""Two runs compared step by step: what is the same, what is near, and what differed first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lineal.datasets.cache import Cache
from lineal.datasets.table import write_table
from lineal.models.digest import leaves, of_leaves, to_csv
from lineal.models.keeping import LEAVES, KeptFile
from lineal.questions.materials import Materials, Metric, Version
from lineal.reproduction.comparing import Side, compare, surroundings, verdict_on


def predictions(cache: Cache, shift: float = 0.0, first: str = "a") -> Version:
    table = pa.table({"prediction": [first, "b", "a"], "probability_a": [0.9 + shift, 0.2 + shift, 0.7]})
    made = write_table(table, "p.evaluation", cache)
    return Version("p.evaluation", str(made.version), 3)


def side(folder: Path, model: Any = None, shift: float = 0.0, first: str = "a", **changes: Any) -> Side:
    cache = Cache(folder)
    table = leaves(model if model is not None else fitted())
    with cache.temporary() as file:
        file.write_bytes(to_csv(table))
        _, marks = cache.put(file)
    kept = KeptFile(LEAVES, marks.md5, marks.sha256, marks.size)
    found = Materials(
        subject="model:p@1",
        model=None,
        run_id="r",
        pipeline="p",
        file="p.toml",
        text="",
        overrides=(),
        data=None,
        snapshot=Version("p.snapshot", "s" * 32, 10),
        train=Version("p.train", "t" * 32, 7),
        test=Version("p.test", "u" * 32, 3),
        evaluation=predictions(cache, shift, first),
        digest=of_leaves(table),
        features="f" * 64,
        parameters={},
        metrics=(Metric("accuracy", "held-out", 0.9), Metric("accuracy", "train", 1.0)),
        environment={"python": "3.11.7", "libraries": [{"api": "blas", "name": "openblas", "architecture": "Zen"}]},
        uncommitted={"state": "clean"},
        files={LEAVES: kept},
        tracking_uri=None,
        mlflow_run=None,
        model_id=None,
    )
    return Side(replace(found, **changes), cache)


def fitted(C: float = 1.0) -> Any:
    rows = np.arange(12.0).reshape(6, 2) % 5
    return make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(rows, [0, 1, 0, 1, 1, 0])


def by_name(steps: Any) -> dict[str, Any]:
    return {step.name: step for step in steps}


def test_the_same_is_identical(tmp_path: Path) -> None:
    steps = compare(side(tmp_path / "a"), side(tmp_path / "b"))
    assert [step.name for step in steps] == ["snapshot", "split", "features", "model", "metrics", "predictions"]
    assert all(step.same for step in steps)
    assert verdict_on(steps) == "identical"


def test_another_model_that_predicts_the_same_is_equivalent_and_the_parts_that_differ_are_named(tmp_path: Path) -> None:
    steps = compare(side(tmp_path / "a"), side(tmp_path / "b", fitted(1.0000001), shift=1e-9))
    assert verdict_on(steps) == "equivalent"
    told = by_name(steps)["model"].detail
    assert "steps[1][1].C" in told
    assert "steps[1][1].coef_ (float64 1x2)" in told
    assert "mean_" not in told
    assert "within 1e-06" in by_name(steps)["predictions"].detail


@pytest.mark.parametrize(("shift", "first"), [(1e-3, "a"), (0.0, "b")])
def test_other_predictions_are_different_and_counted(shift: float, first: str, tmp_path: Path) -> None:
    steps = compare(side(tmp_path / "a"), side(tmp_path / "b", fitted(2.0), shift, first))
    assert verdict_on(steps) == "different"
    assert f"{2 if shift else 1} of 3 held-out rows differ" in by_name(steps)["predictions"].detail


def test_what_differed_first_stands_first(tmp_path: Path) -> None:
    other = side(tmp_path / "b", fitted(2.0), 0.1, train=Version("p.train", "x" * 32, 7), features="g" * 64)
    steps = compare(side(tmp_path / "a"), other)
    assert next(step.name for step in steps if step.same is False) == "split"
    assert "to train: xxxxxxxxxxxx (7 rows), recorded tttttttttttt (7 rows)" in by_name(steps)["split"].detail


def test_a_figure_that_differs_is_named_with_both_values(tmp_path: Path) -> None:
    other = side(tmp_path / "b", metrics=(Metric("accuracy", "held-out", 0.8), Metric("accuracy", "train", 1.0)))
    step = by_name(compare(side(tmp_path / "a"), other))["metrics"]
    assert step.detail == "1 of 2 differ: held-out accuracy 0.8, recorded 0.9"
    assert verdict_on(compare(side(tmp_path / "a"), other)) != "identical"


@pytest.mark.parametrize("busy", ["then", "now"])
def test_where_one_of_the_two_had_no_time_to_cross_validate_the_others_figures_are_compared(
    busy: str, tmp_path: Path
) -> None:
    figures = (Metric("accuracy", "held-out", 0.9), Metric("accuracy", "train", 1.0))
    folds = Metric("accuracy", "cross-validation", 0.8)
    sides = [side(tmp_path / "a", metrics=figures), side(tmp_path / "b", metrics=(*figures, folds))]
    steps = compare(*(sides if busy == "then" else sides[::-1]))
    step = by_name(steps)["metrics"]
    where = "what was made" if busy == "then" else "the record"
    assert (step.same, step.detail) == (True, f"2 figures; cross-validated in {where} only")
    assert verdict_on(steps) == "identical"
    other = side(tmp_path / "c", metrics=(*figures, Metric("accuracy", "cross-validation", 0.7)))
    assert verdict_on(compare(sides[1], other)) != "identical"


def test_the_same_model_with_figures_near_is_identical_still(tmp_path: Path) -> None:
    near = (Metric("accuracy", "held-out", 0.9 + 1e-12), Metric("accuracy", "train", 1.0))
    assert verdict_on(compare(side(tmp_path / "a"), side(tmp_path / "b", shift=1e-12, metrics=near))) == "identical"


def test_predictions_whose_bytes_are_gone_are_not_called_near(tmp_path: Path) -> None:
    one, other = side(tmp_path / "a"), side(tmp_path / "b", fitted(2.0), 1e-9)
    assert other.materials.evaluation is not None
    other.cache.path(other.materials.evaluation.version).unlink()
    step = by_name(compare(one, other))["predictions"]
    assert not step.near
    assert "are not in the cache" in step.detail


def test_python_kernels_and_packages_that_differ_are_told(tmp_path: Path) -> None:
    one = side(tmp_path / "a").materials
    other = replace(
        one,
        environment={"python": "3.12.1", "libraries": [{"api": "blas", "name": "openblas", "architecture": "Haswell"}]},
    )
    said = surroundings(one, other, (b"numpy==2.4.6\nskops==0.16\nold==1\n", b"numpy==2.4.5\nskops==0.16\n"))
    assert said == (
        "Python is 3.12.1, recorded 3.11.7",
        "openblas has the kernels Haswell, recorded Zen",
        "numpy is 2.4.5, recorded 2.4.6",
        "1 package is not here: old 1",
    )
