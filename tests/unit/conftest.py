"""What is recorded in these tests is recorded on each database that a store can be in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lineal.testing import Lineage, recording


@pytest.fixture
def lineage(store_url: str) -> Iterator[Lineage]:
    """The lineage that the test records."""
    with recording(url=store_url) as recorded:
        yield recorded
