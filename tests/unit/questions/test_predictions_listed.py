"""Batches of predictions, as the index has them."""

import pytest

from lineal import Dataset, Model, current_run, traced
from lineal.questions.listing import predictions
from lineal.testing import recording


@traced
def score(model: Model, batch: Dataset, number: int) -> Dataset:
    """Score."""
    current_run().prediction(
        {
            "model": "wine",
            "version": number,
            "digest": "d",
            "askedBy": "champion" if number == 1 else None,
            "aliases": ["champion"],
            "rows": 10 * number,
            "idPrefix": f"p00000000000{number}_",
        }
    )
    return Dataset("s3://b/k", name="wine.predictions", version=f"v{number}")


@traced
def own(batch: Dataset) -> Dataset:
    """Write a table of such a name by a flow of one's own."""
    return Dataset("s3://b/other", name="other.predictions", version="1")


@traced
def failing(model: Model, batch: Dataset) -> Dataset:
    """Score, and fail."""
    current_run().output(Dataset("s3://b/k", name="wine.predictions", version="half"))
    raise ValueError("no")


def test_the_newest_comes_first_and_nothing_else_is_listed(store_url):
    model, batch = Model("models/wine", "d", "models:/wine/1"), Dataset("s3://b/in", name="wine.batch", version="1")
    with recording(url=store_url) as lineage:
        score(model, batch, 1)
        own(batch)
        with pytest.raises(ValueError, match="no"):
            failing(model, batch)
        score(model, batch, 2)
        found = predictions(lineage.store)
        assert [(item.name, item.version, item.rows, item.number, item.alias) for item in found] == [
            ("wine.predictions", "v2", 20, 2, None),
            ("wine.predictions", "v1", 10, 1, "champion"),
        ]
        assert found[0].id_prefix == "p000000000002_"
        assert found[0].run_id == lineage.events("score", "COMPLETE")[1]["run"]["runId"]
        assert predictions(lineage.store, limit=1) == found[:1]
