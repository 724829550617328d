"""What data-rentgen, which reads OpenLineage by models of its own, takes from a whole pipeline's events."""

from datetime import datetime

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("marquez")]

TASKS = ("ingest", "check", "split", "train", "evaluate", "explain", "register", "version")


@pytest.fixture(scope="module")
def made(data_rentgen, pipeline):
    return data_rentgen(pipeline.lines)


def test_each_event_is_accepted_and_each_run_stands_where_it_ran(made, pipeline):
    assert made["refused"] == []
    assert made["jobs"] == {
        "train": {"type": "PREFECT_FLOW", "parent": None},
        **{f"train.{name}": {"type": "PREFECT_TASK", "parent": "train"} for name in TASKS},
    }
    flow_run = pipeline.end("train")["run"]["runId"]
    for name in made["jobs"]:
        start, end = [event for event in pipeline.events if event["job"]["name"] == name]
        run = made["runs"][start["run"]["runId"]]
        assert run["job"] == name
        assert run["status"] == "SUCCEEDED"
        assert run["parent"] == (None if name == "train" else flow_run)
        assert [datetime.fromisoformat(run[key]) for key in ("started", "ended")] == [
            datetime.fromisoformat(event["eventTime"]) for event in (start, end)
        ]
    assert len(made["runs"]) == len(made["jobs"])


def test_inputs_and_outputs_are_the_runs_own_with_their_columns_and_rows(made, pipeline):
    for kind in ("inputs", "outputs"):
        sent = [
            (
                name,
                entry["name"],
                statistics(entry, kind),
                [field["name"] for field in entry["facets"]["schema"]["fields"]],
            )
            for name in made["jobs"]
            for entry in pipeline.end(name)[kind]
        ]
        assert sent
        taken = [(entry["job"], entry["dataset"], entry["rows"], entry["columns"]) for entry in made[kind]]
        assert sorted(taken, key=str) == sorted(sent, key=str)


def statistics(entry, kind):
    side = kind.removesuffix("s")
    return entry.get(f"{side}Facets", {}).get(f"{side}Statistics", {}).get("rowCount")


def test_columns_come_from_those_that_were_named(made, pipeline):
    sent = {
        (origin["name"], origin["field"], output["name"], column)
        for name in made["jobs"]
        for output in pipeline.end(name)["outputs"]
        for column, origins in output["facets"].get("columnLineage", {"fields": {}})["fields"].items()
        for origin in origins["inputFields"]
    }
    assert sent
    assert {tuple(relation) for relation in made["columns"]} == sent
