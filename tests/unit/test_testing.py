"""What `lineal.testing` gives users' own tests: a record of their own, and nothing of it anywhere else."""

import os

from lineal import traced
from lineal.testing import recording
from tests.parts.consumer import consumer

NAMES = ("LINEAL_STORE", "LINEAL_HOME", "OPENLINEAGE_DISABLED")


@traced
def step():
    return 1


def test_what_a_test_records_reaches_no_consumer_and_not_the_users_home(own_home, monkeypatch):
    with consumer() as server:
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        before = {name: os.environ.get(name) for name in NAMES}
        with recording() as recorded:
            step()
            assert recorded.event("step")["eventType"] == "COMPLETE"
        assert server.events == []
    assert not (own_home / ".lineal").exists()
    assert {name: os.environ.get(name) for name in NAMES} == before
