"""What Marquez answers when it is asked about runs that it heard of from us."""

import hashlib
from itertools import pairwise

import pytest
from prefect import flow, task

from lineal import Dataset, traced
from tests.parts.marquez import Marquez

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("marquez")]

TASKS = ("ingest", "check", "split", "train", "evaluate", "explain", "register", "version")
MODEL = ("mlflow://local", "models/breast-cancer")


@pytest.fixture(scope="module")
def told(marquez, pipeline):
    """Marquez, when it has heard of the whole pipeline."""
    asked = Marquez(marquez)
    asked.send(pipeline.lines)
    return asked


@pytest.fixture
def small(marquez, lineage, prefect_api, monkeypatch, request):
    """Marquez, and what tells it of what was recorded since; in a namespace of the test's own."""
    namespace = request.node.name.removeprefix("test_")
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", namespace)
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    asked = Marquez(marquez)

    def tell():
        asked.send(lineage.ndjson().splitlines())
        return asked

    tell.namespace = namespace
    return tell


def test_every_step_is_a_job_with_one_completed_run_below_the_flow(told, pipeline):
    jobs = told.jobs("lineal")
    assert set(jobs) == {"train", *(f"train.{name}" for name in TASKS)}
    assert {name: job["parentJobName"] for name, job in jobs.items()} == {
        "train": None,
        **{f"train.{name}": "train" for name in TASKS},
    }
    flow_run = pipeline.end("train")["run"]["runId"]
    for name in jobs:
        (run,) = told.runs("lineal", name)
        start, end = [event for event in pipeline.events if event["run"]["runId"] == run["id"]]
        assert run["id"] == pipeline.end(name)["run"]["runId"]
        assert run["state"] == "COMPLETED"
        assert run["startedAt"][:23] == start["eventTime"][:23]
        assert run["endedAt"][:23] == end["eventTime"][:23]
        parent = run["facets"].get("parent")
        assert (parent and parent["run"]["runId"]) == (None if name == "train" else flow_run)
    assert (
        jobs["train.train"]["description"]
        == pipeline.end("train.train")["job"]["facets"]["documentation"]["description"]
    )


def test_runs_and_jobs_keep_every_facet(told, pipeline):
    seen = set()
    for name in told.jobs("lineal"):
        sent = pipeline.end(name)
        run_id = sent["run"]["runId"]
        assert without_nothing(told.facets(run_id)) == without_nothing(sent["run"]["facets"])
        assert told.facets(run_id, "job") == sent["job"]["facets"]
        seen |= set(sent["run"]["facets"])
    assert seen >= {
        "lineal_decision",
        "lineal_environment",
        "lineal_metrics",
        "lineal_mlflow",
        "lineal_prefect",
        "test",
    }


def without_nothing(facets):
    """Run facets but for what Marquez drops: the empty `facets` of runs and jobs within `parent`."""

    def stripped(value):
        if not isinstance(value, dict):
            return value
        return {key: stripped(inner) for key, inner in value.items() if (key, inner) != ("facets", {})}

    return {key: stripped(facet) if key == "parent" else facet for key, facet in facets.items()}


def test_datasets_have_their_content_as_version_and_their_columns(told, pipeline):
    tables = ("snapshot", "train", "test", "evaluation", "importances", "model")
    places = [("lineal", f"breast-cancer.{name}") for name in tables] + [MODEL]
    for namespace, name in places:
        sent = pipeline.output(name)
        dataset = told.dataset(namespace, name)
        facets = sent["facets"]
        assert dataset["facets"]["version"]["datasetVersion"] == facets["version"]["datasetVersion"]
        fields = [(field["name"], field["type"]) for field in dataset["fields"]]
        assert sorted(fields) == sorted((field["name"], field["type"]) for field in facets["schema"]["fields"])
        assert {key: dataset["facets"][key] for key in facets if key != "columnLineage"} == {
            key: facet for key, facet in facets.items() if key != "columnLineage"
        }
    source = told.dataset("file", str(pipeline.source))
    digest = hashlib.md5(pipeline.source.read_bytes()).hexdigest()  # noqa: S324 - DVC's hash
    assert source["facets"]["version"]["datasetVersion"] == digest
    checked = told.dataset("lineal", "breast-cancer.snapshot")["facets"]
    assert checked["dataQualityAssertions"]["assertions"]
    assert all(assertion["success"] for assertion in checked["dataQualityAssertions"]["assertions"])


def test_the_graph_leads_from_the_source_to_the_registered_model_by_the_true_edges(told, pipeline):
    def job(name):
        return f"job:lineal:train.{name}"

    def table(name):
        return f"dataset:lineal:breast-cancer.{name}"

    source, model, registered = f"dataset:file:{pipeline.source}", table("model"), "dataset:" + ":".join(MODEL)
    true = {
        (source, job("ingest")),
        (job("ingest"), table("snapshot")),
        (table("snapshot"), job("check")),
        (table("snapshot"), job("split")),
        (job("split"), table("train")),
        (job("split"), table("test")),
        (table("train"), job("train")),
        (job("train"), model),
        (model, job("evaluate")),
        (table("test"), job("evaluate")),
        (job("evaluate"), table("evaluation")),
        (model, job("explain")),
        (table("test"), job("explain")),
        (job("explain"), table("importances")),
        (model, job("register")),
        (table("evaluation"), job("register")),
        (job("register"), registered),
        ("job:lineal:train", registered),
        ("job:lineal:train", table("evaluation")),
        ("job:lineal:train", table("importances")),
        *((table(name), job("version")) for name in ("snapshot", "train", "test", "evaluation", "importances")),
    }
    for node in (source, registered, job("train")):
        assert told.edges(node) == true


def test_a_column_of_the_registered_model_leads_back_to_the_source(told, pipeline):
    def column(place, name="worst area"):
        return f"datasetField:{place}:{name}"

    chain = [
        column(place)
        for place in (
            f"file:{pipeline.source}",
            "lineal:breast-cancer.snapshot",
            "lineal:breast-cancer.train",
            "lineal:breast-cancer.model",
            ":".join(MODEL),
        )
    ]
    assert told.column_edges(chain[-1]) == set(pairwise(chain))
    # What it predicts was learnt from every column that it uses, and from the target.
    origins = {
        origin
        for origin, to in told.column_edges(column(":".join(MODEL), "diagnosis"))
        if to == column("lineal:breast-cancer.model", "diagnosis")
    }
    used = [field["name"] for field in pipeline.output("breast-cancer.model")["facets"]["schema"]["fields"]]
    assert origins == {column("lineal:breast-cancer.train", name) for name in used}


def answers(told, pipeline):
    """All that can be asked of the pipeline, but for when Marquez heard of it last."""
    datasets = [("file", str(pipeline.source)), MODEL] + [
        ("lineal", name)
        for name in {made["name"] for event in pipeline.events for made in event["outputs"]} - {MODEL[1]}
    ]
    jobs = told.jobs("lineal")
    return {
        "jobs": {
            name: (job["parentJobName"], job["inputs"], job["outputs"], job["facets"], job["latestRun"]["id"])
            for name, job in jobs.items()
        },
        "runs": {
            name: [
                (run["id"], run["state"], run["startedAt"], run["endedAt"], told.facets(run["id"]))
                for run in told.runs("lineal", name)
            ]
            for name in jobs
        },
        "datasets": {
            place: (told.dataset(*place)["facets"], {version["version"] for version in told.versions(*place)})
            for place in datasets
        },
        "graph": told.edges(f"dataset:file:{pipeline.source}"),
        "columns": told.column_edges(f"dataset:{':'.join(MODEL)}"),
    }


def test_hearing_everything_twice_changes_no_answer(told, pipeline):
    once = answers(told, pipeline)
    assert once["graph"]
    assert once["columns"]
    told.send(pipeline.lines)
    assert answers(told, pipeline) == once


def test_each_attempt_of_a_task_is_a_run_with_its_own_end(small):
    attempts = []

    @task(retries=2)
    @traced
    def flaky(data: Dataset) -> Dataset:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError(f"attempt {len(attempts)} fails")
        return Dataset("s3://bucket/out.csv", version="2")

    @flow(name="stubborn")
    @traced
    def stubborn() -> None:
        flaky(Dataset("s3://bucket/in.csv", version="1"))

    stubborn()
    told = small()
    runs = told.runs(small.namespace, "stubborn.flaky")
    assert [run["state"] for run in runs] == ["FAILED", "FAILED", "COMPLETED"]
    assert [run["facets"].get("errorMessage", {}).get("message") for run in runs] == [
        "attempt 1 fails",
        "attempt 2 fails",
        None,
    ]
    assert [run["facets"]["lineal_prefect"]["attempt"] for run in runs] == [1, 2, 3]
    (flow_run,) = told.runs(small.namespace, "stubborn")
    assert flow_run["state"] == "COMPLETED"
    assert {run["facets"]["parent"]["run"]["runId"] for run in runs} == {flow_run["id"]}
    job = told.jobs(small.namespace)["stubborn.flaky"]
    assert job["latestRun"]["state"] == "COMPLETED"
    assert [entry["name"] for entry in job["inputs"]] == ["in.csv"]
    assert [entry["name"] for entry in job["outputs"]] == ["out.csv"]


def test_a_failure_ends_the_task_and_the_flow_and_keeps_what_was_read(small):
    @task
    @traced
    def breaks(data: Dataset) -> Dataset:
        raise ValueError("no such luck")

    @flow(name="doomed")
    @traced
    def doomed() -> None:
        breaks(Dataset("s3://bucket/read.csv", version="1"))

    with pytest.raises(ValueError, match="luck"):
        doomed()
    told = small()
    for job in ("doomed", "doomed.breaks"):
        (run,) = told.runs(small.namespace, job)
        assert run["state"] == "FAILED"
        assert run["facets"]["errorMessage"]["message"] == "no such luck"
    job = told.jobs(small.namespace)["doomed.breaks"]
    assert [entry["name"] for entry in job["inputs"]] == ["read.csv"]
    assert job["outputs"] == []


def test_an_interrupted_run_is_aborted(small):
    @traced
    def stopped(data: Dataset) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped(Dataset("s3://bucket/read.csv", version="1"))
    (run,) = small().runs(small.namespace, "stopped")
    assert run["state"] == "ABORTED"


def test_subflows_stand_below_their_flows_and_unrelated_tables_stay_apart(small):
    @task
    @traced
    def copy(data: Dataset) -> Dataset:
        return Dataset(f"{data.uri}.copy", version="2")

    @flow(name="below")
    @traced
    def below(number: int) -> None:
        copy(Dataset(f"s3://bucket/table{number}", version="1"))

    @flow(name="above")
    @traced
    def above() -> None:
        for number in range(3):
            below(number)

    above()
    told = small()
    # Marquez calls a job below another by both their names, so that a subflow's tasks know its flow by a name that is
    # not Marquez's: it makes up a job `below` for them. What ran, and below what, is right in the facets of each run.
    jobs = told.jobs(small.namespace)
    assert {name: job["parentJobName"] for name, job in jobs.items()} == {
        "above": None,
        "above.below": "above",
        "below": None,
        "below.copy": "below",
    }
    (top,) = told.runs(small.namespace, "above")
    middle = told.runs(small.namespace, "above.below")
    lowest = told.runs(small.namespace, "below.copy")
    assert len(middle) == len(lowest) == 3
    assert {run["facets"]["parent"]["run"]["runId"] for run in middle} == {top["id"]}
    assert {run["facets"]["parent"]["run"]["runId"] for run in lowest} == {run["id"] for run in middle}
    assert {run["facets"]["parent"]["root"]["run"]["runId"] for run in lowest} == {top["id"]}
    pairs = [
        (
            [entry["datasetVersionId"]["name"] for entry in run["inputDatasetVersions"]],
            [entry["datasetVersionId"]["name"] for entry in run["outputDatasetVersions"]],
        )
        for run in lowest
    ]
    assert pairs == [([f"table{number}"], [f"table{number}.copy"]) for number in range(3)]


def test_a_table_written_anew_has_another_version(small):
    @traced
    def write(version: str) -> Dataset:
        return Dataset("s3://bucket/anew.csv", version=version)

    write("1")
    write("2")
    told = small()
    versions = told.versions("s3://bucket", "anew.csv")
    assert [version["facets"]["version"]["datasetVersion"] for version in versions] == ["1", "2"]
    assert [version["createdByRun"]["id"] for version in versions] == [
        run["id"] for run in told.runs(small.namespace, "write")
    ]
    assert told.dataset("s3://bucket", "anew.csv")["facets"]["version"]["datasetVersion"] == "2"


def test_a_table_in_the_cache_has_one_name_whatever_its_versions(small):
    @traced
    def write(number: int) -> Dataset:
        digest = f"{number:032x}"
        return Dataset(f"/cache/files/md5/{digest[:2]}/{digest[2:]}", name="cached.table", version=digest)

    @traced
    def write_in_place(number: int) -> Dataset:
        return Dataset("/data/placed.parquet", name="placed.table", version=str(number))

    for number in range(3):
        write(number)
        write_in_place(number)
    told = small()
    outputs = {
        job: {entry["name"] for entry in told.get("namespaces", small.namespace, "jobs", job)["outputs"]}
        for job in ("write", "write_in_place")
    }
    assert outputs == {"write": {"cached.table"}, "write_in_place": {"placed.table", "/data/placed.parquet"}}
    assert len(told.versions(small.namespace, "cached.table")) == 3
    assert told.dataset(small.namespace, "cached.table")["facets"]["dataSource"]["uri"].endswith("0" * 29 + "2")
