"""A flow run that was suspended: what is taken up of it, seen from the store."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from lineal import Dataset, current_run, run_id, traced
from lineal.orchestration.cached import CachedResult
from lineal.orchestration.context import FlowRun, TaskRun
from lineal.orchestration.states import PrefectState
from lineal.tracing import begin, recording, sweep
from lineal.tracing.recording import Recorder

PREFECT = UUID("01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e")


@pytest.fixture
def suspended(lineage, monkeypatch):
    """Call a function as the body of a flow run of one id; whether it was paused before is for the test to say."""

    @traced
    def flow(table): ...

    state = SimpleNamespace(paused=False)

    def execution(function):
        return FlowRun(PREFECT, "flow", "a-run", 1, flow, paused=state.paused) if function is flow else None

    for module in (begin.context, recording.context):
        monkeypatch.setattr(module, "execution_of", execution)
    state.call = flow
    return state


def kinds(lineage):
    return [event["eventType"] for event in lineage.events()]


def test_it_goes_on_from_its_last_event(lineage, suspended):
    recorder = Recorder(suspended.call, suspended.call)
    recorder.started((Dataset("s3://b/first", version="1"),))
    recorder.run.metrics({"rows": 1.0}, of="rows")
    recorder.end = recording.Ending("RUNNING")
    recorder.ended()
    suspended.paused = True
    suspended.call(Dataset("s3://b/second", version="1"))
    assert kinds(lineage) == ["START", "RUNNING", "RUNNING", "COMPLETE"]
    assert {event["run"]["runId"] for event in lineage.events()} == {str(run_id("lineal", PREFECT))}
    ended = lineage.event("flow")
    assert sorted(dataset["name"] for dataset in ended["inputs"]) == ["first", "second"]
    assert ended["run"]["facets"]["lineal_metrics"]["metrics"][0]["value"] == 1.0


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_sweep_leaves_it_alone_while_its_new_process_is_on_the_way(lineage, suspended, monkeypatch, is_suspended):
    recorder = Recorder(suspended.call, suspended.call)
    recorder.started(())
    if is_suspended:
        recorder.run.prefect({"suspended": True})
        recorder.end = recording.Ending("RUNNING")
        recorder.ended()
    monkeypatch.setattr(sweep, "is_gone", lambda process: True)
    running = PrefectState(end=None, name="Pending", message=None, since=datetime.now(UTC), waits=False)
    monkeypatch.setattr(sweep, "states_of", lambda flows, tasks: {str(PREFECT): running})
    assert [ended.state for ended in sweep.sweep(lineage.store)] == ([] if is_suspended else ["FAIL"])


def test_a_task_in_another_process_than_its_flow_names_the_same_root(lineage, suspended, monkeypatch):
    root = "01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1f"
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", "airflow/dag.task/01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e")
    monkeypatch.setenv("OPENLINEAGE_ROOT_PARENT_ID", f"airflow/dag/{root}")
    suspended.call(None)
    flow = begin.context.execution_of(suspended.call)
    task = TaskRun(uuid4(), "fit", "fit-0", 1, (), (), flow)
    monkeypatch.setattr(begin.context, "execution_of", lambda function: task)
    run = begin.begin(suspended.call, suspended.call, parent=None, is_traced=recording.is_traced)
    assert (str(run.root.id), run.root.job) == (root, ("airflow", "dag"))
    assert not run.is_outermost


@pytest.mark.parametrize("gone", [True, False])
def test_an_attempt_that_another_followed_has_failed_whatever_became_of_that_one(lineage, monkeypatch, gone):
    def begun(name, **ids):
        def function(): ...

        function.__name__ = name
        run = begin.begin(function, function, parent=None, is_traced=bool)
        run.prefect({"flowRunId": str(PREFECT), **ids})
        lineage.store.append(run.event("START")[0])
        return run

    begun("first")
    begun("first-task", taskRunId=str(uuid4()))
    second = begun("second")
    begun("second-task", taskRunId=str(uuid4()))
    lineage.store.append(second.event("COMPLETE")[0])
    monkeypatch.setattr(sweep, "is_gone", lambda process: gone)
    completed = PrefectState("COMPLETE", "Completed", None, datetime.now(UTC) - timedelta(minutes=5), waits=False)
    monkeypatch.setattr(sweep, "states_of", lambda flows, tasks: {str(PREFECT): completed})
    ended = {each.job: each.state for each in sweep.sweep(lineage.store)}
    assert ended == {"first": "FAIL", "first-task": "FAIL", "second-task": "COMPLETE"}


def test_paused_before_it_began_it_starts(lineage, suspended):
    suspended.paused = True
    suspended.call(None)
    assert kinds(lineage) == ["START", "COMPLETE"]


def test_nothing_comes_after_an_end_that_it_was_given_meanwhile(lineage, suspended, caplog):
    suspended.call(None)
    suspended.paused = True
    suspended.call(None)
    assert kinds(lineage) == ["START", "COMPLETE"]
    assert "flow goes on, but its run" in caplog.text
    assert "has ended as COMPLETE" in caplog.text


def test_a_result_from_a_cache_is_of_what_it_was_made_of(lineage, tmp_path):
    raw, clean = tmp_path / "raw.csv", tmp_path / "clean.csv"

    @traced
    def work(source):
        current_run().prefect({"cacheKey": "the key"})
        clean.write_text("a\n10\n")
        return Dataset(clean)

    raw.write_text("a\n1\n")
    made = work(Dataset(raw))
    raw.write_text("a\n2\n")
    clean.write_text("a\n20\n")
    recording.record_cached(CachedResult(work, {"source": Dataset(raw)}, made, "the key"))
    first, second = lineage.events("work", "COMPLETE")
    assert (second["inputs"], second["outputs"]) == (first["inputs"], first["outputs"])
    recording.record_cached(CachedResult(work, {"source": Dataset(raw)}, made, "another key"))
    third = lineage.events("work", "COMPLETE")[2]
    assert [dataset["name"] for dataset in (*third["inputs"], *third["outputs"])] == [str(raw), str(clean)]


def test_a_sweep_passes_over_what_another_producer_began_without_facets(lineage, suspended):
    suspended.call(None)
    other = lineage.events("flow", "START")[0]
    lineage.store.append({**other, "run": {"runId": str(PREFECT), "facets": None}})
    assert sweep.sweep(lineage.store) == []
