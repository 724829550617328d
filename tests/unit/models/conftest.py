from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineal.pipeline import Pipeline, load


@pytest.fixture
def make_pipeline(tmp_path: Path) -> Callable[..., Pipeline]:
    """Build a pipeline from its sections' TOML, as a user would write it."""

    def make(estimator: str = "sklearn.tree.DecisionTreeClassifier", more: str = "", **source: Any) -> Pipeline:
        file = tmp_path / "pipeline.toml"
        target = source.pop("target", "target")
        extra = "".join(f"{key} = {value}\n" for key, value in source.items())
        head = f'name = "it"\n[source]\nuri = "rows.csv"\ntarget = "{target}"\n{extra}'
        file.write_text(f'{head}[model]\nestimator = "{estimator}"\n{more}')
        return load(file)

    return make
