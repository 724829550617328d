"""Made-up people who ask for credit: whether they repay, by income and debt, and how well that can be told of whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

PIPELINE = """
name = "credit"
description = "Who repays a credit? People made up."
owner = "Risk"

[source]
uri = "people.csv"
target = "repaid"
id = "person"
drop = ["sex", "age"]

[[checks]]
column = "income"
nulls = false

[split]
test_size = 0.4
seed = 7

[model]
estimator = "sklearn.linear_model.LogisticRegression"

[evaluate]
metrics = ["accuracy", "recall"]
{evaluate}

[register]
name = "credit"
alias = "champion"
{more}
"""
# Fewer draws than by default: what the intervals hold is tested beside the figures.
GROUPS = 'groups = ["sex", "age"]\n[evaluate.grouping]\ndraws = 40\nedges = { age = [30, 50] }\n'


def people(rows: int = 3000, *, unfair: bool = False, missing: int = 0, others: int = 0) -> pd.DataFrame:
    """Rows of people.

    Args:
        rows: how many.
        unfair: of women, income and debt say less.
        missing: of so many the sex is not known.
        others: so many are of a third sex.
    """
    draw = np.random.default_rng(11)
    sex = draw.choice(["female", "male"], rows).astype(object)
    sex[:others] = "other"
    income, debt = draw.normal(3, 1, rows), draw.normal(1, 0.5, rows)
    noise = draw.normal(0, 0.4, rows) + np.where((sex == "female") & unfair, draw.normal(0, 3, rows), 0)
    repaid = np.where(income - 2 * debt - 1 + noise > 0, "yes", "no")
    sex[len(sex) - missing :] = None
    return pd.DataFrame(
        {
            "person": [f"p{number}" for number in range(rows)],
            "income": income.round(3),
            "debt": debt.round(3),
            "sex": sex,
            "age": draw.integers(18, 80, rows),
            "repaid": repaid,
        }
    )


def write(folder: Path, frame: pd.DataFrame, evaluate: str = GROUPS, more: str = "") -> Path:
    """Write people and a pipeline about them into a project; gives the pipeline file."""
    frame.to_csv(folder / "people.csv", index=False)
    file = folder / "pipelines" / "credit.toml"
    file.write_text(PIPELINE.format(evaluate=evaluate, more=more))
    return file
