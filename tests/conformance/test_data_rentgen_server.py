"""What data-rentgen answers over REST when it has heard of our runs by Lineal's own delivery, over HTTP and Kafka."""

import time
from datetime import datetime

import pytest
from prefect import flow, task

from lineal import Dataset, traced
from lineal.cli.app import main

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("marquez"), pytest.mark.timeout(600)]

TASKS = ("ingest", "check", "split", "train", "evaluate", "explain", "register", "version")
LONG_AGO = "2020-01-01T00:00:00Z"


def settled(read, expected, seconds=60):
    """Read until what is expected has come through, which goes by Kafka; else what there is."""
    end = time.monotonic() + seconds
    while (found := read()) != expected and time.monotonic() < end:
        time.sleep(0.3)
    return found


def over_http(server):
    return {
        "OPENLINEAGE_URL": server.url,
        "OPENLINEAGE_ENDPOINT": "v1/openlineage",
        "OPENLINEAGE_API_KEY": server.key,
    }


def runs(server, location="lineal"):
    """Each run's status, by its id."""
    found = server.listed("runs", since=LONG_AGO)
    return {each["id"]: each["data"]["status"] for each in found if each["job"]["location"]["name"] == location}


@pytest.fixture(scope="module")
def told(data_rentgen_server, pipeline):
    """data-rentgen, when it has heard of the whole pipeline by `lineal deliver`."""
    pipeline.lineal("deliver", **over_http(data_rentgen_server))
    expected = {pipeline.end(name)["run"]["runId"]: "SUCCEEDED" for name in pipeline_jobs()}
    assert settled(lambda: runs(data_rentgen_server), expected) == expected
    return data_rentgen_server


def pipeline_jobs():
    return ["train", *(f"train.{name}" for name in TASKS)]


def test_each_step_is_a_job_below_the_flow_with_a_run_of_its_times(told, pipeline):
    found = {job["data"]["name"]: job for job in told.listed("jobs") if job["data"]["location"]["name"] == "lineal"}
    ids = {name: job["id"] for name, job in found.items()}
    assert {name: (job["data"]["type"], job["data"]["parent_job_id"]) for name, job in found.items()} == {
        "train": ("PREFECT_FLOW", None),
        **{f"train.{name}": ("PREFECT_TASK", ids["train"]) for name in TASKS},
    }
    flow_run = pipeline.end("train")["run"]["runId"]
    for name, job in found.items():
        start, end = [event for event in pipeline.events if event["job"]["name"] == name]
        run = job["last_run"]
        assert run["id"] == end["run"]["runId"]
        assert run["parent_run_id"] == (None if name == "train" else flow_run)
        assert [datetime.fromisoformat(run[key]) for key in ("started_at", "ended_at")] == [
            datetime.fromisoformat(event["eventTime"]) for event in (start, end)
        ]


def test_the_graph_leads_from_the_source_to_the_model_by_the_true_edges(told, pipeline):
    jobs = {job["id"]: job["data"]["name"] for job in told.listed("jobs")}
    datasets = {each["id"]: each["data"]["name"] for each in told.listed("datasets")}
    (source,) = [key for key, name in datasets.items() if name == str(pipeline.source)]
    graph = told.get(
        "datasets/lineage", start_node_id=source, since=LONG_AGO, depth=10, direction="DOWNSTREAM", granularity="JOB"
    )
    read = {(datasets[each["from"]["id"]], jobs[each["to"]["id"]]) for each in graph["relations"]["inputs"]}
    written = {(jobs[each["from"]["id"]], datasets[each["to"]["id"]]) for each in graph["relations"]["outputs"]}
    tasks = [f"train.{name}" for name in TASKS]
    assert {edge for edge in read if edge[1] in tasks} == {
        (each["name"], name) for name in tasks for each in pipeline.end(name)["inputs"]
    }
    assert {edge for edge in written if edge[0] in tasks} == {
        (name, each["name"]) for name in tasks for each in pipeline.end(name)["outputs"]
    }


@pytest.mark.parametrize("by", ["http", "kafka"])
def test_what_failed_and_was_tried_again_stands_as_it_was(
    by, data_rentgen_server, kafka, lineage, prefect_api, monkeypatch, capsys
):
    namespace = f"retried-{by}"
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", namespace)
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    tries = []

    @task(retries=1)
    @traced
    def load(data: Dataset) -> Dataset:
        tries.append(data)
        if len(tries) == 1:
            raise ValueError("not yet")
        return Dataset("s3://bucket/out.csv", version="2")

    @flow
    @traced
    def nightly(data: Dataset) -> Dataset:
        return load(data)

    @flow
    @traced
    def broken() -> None:
        raise ValueError("never")

    nightly(Dataset("s3://bucket/in.csv", version="1"))
    with pytest.raises(ValueError, match="never"):
        broken()
    monkeypatch.delenv("OPENLINEAGE_DISABLED")
    if by == "http":
        for name, value in over_http(data_rentgen_server).items():
            monkeypatch.setenv(name, value)
    else:
        settings = {
            "TYPE": "kafka",
            "TOPIC": data_rentgen_server.topic,
            "CONFIG": f'{{"bootstrap.servers": "{kafka}"}}',
        }
        for name, value in settings.items():
            monkeypatch.setenv(f"OPENLINEAGE__TRANSPORT__{name}", value)
    with pytest.raises(SystemExit) as ended:
        main(["deliver"])
    assert ended.value.code == 0, capsys.readouterr()
    ends = {event["run"]["runId"]: event for event in lineage.events() if event["eventType"] != "START"}
    states = {"COMPLETE": "SUCCEEDED", "FAIL": "FAILED"}
    expected = {run_id: states[event["eventType"]] for run_id, event in ends.items()}
    assert sorted(expected.values()) == ["FAILED", "FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert settled(lambda: runs(data_rentgen_server, namespace), expected) == expected
