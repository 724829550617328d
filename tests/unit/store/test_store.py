"""The store: durable, indexed, rebuilt from its log, and safe among many writers."""

import io
import json
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineal.errors import StoreError
from lineal.questions.search import search
from lineal.store import engine, graph, index, rebuild, tables
from lineal.store.importing import import_events
from lineal.store.log import Store
from lineal.store.producers import last_producer
from lineal.store.runs import find_run, find_runs_of_engine
from tests.parts.producers import dbt, ndjson

RUN = "11111111-1111-4111-8111-{:012d}"


def event(run=1, kind="START", *, inputs=(), outputs=(), parent=None, engine=None, time="2026-01-01T00:00:00+00:00"):
    facets = {}
    if parent is not None:
        facets["parent"] = {"run": {"runId": RUN.format(parent)}, "job": {"namespace": "n", "name": "flow"}}
    if engine is not None:
        facets["lineal_prefect"] = {"taskRunId": engine}
    named = [
        [{"namespace": "d", "name": name, "facets": {"version": {"datasetVersion": version}}} for name, version in side]
        for side in (inputs, outputs)
    ]
    return {
        "eventType": kind,
        "eventTime": time,
        "producer": "urn:test",
        "run": {"runId": RUN.format(run), "facets": facets},
        "job": {"namespace": "n", "name": f"job{run}"},
        "inputs": named[0],
        "outputs": named[1],
    }


@pytest.fixture
def store(store_url):
    return Store(store_url)


@pytest.fixture
def sql(store):
    """Looks into, and meddles with, the store's database past the store, by a connection of its own."""
    engine = sa.create_engine(store.url)

    def run(text):
        with engine.begin() as connection:
            result = connection.exec_driver_sql(text)
            return result.all() if result.returns_rows else []

    yield run
    engine.dispose()


def test_an_event_is_on_disk_when_append_returns(store, sql):
    store.append(event(kind="START"))
    assert [json.loads(row.body) for row in sql("select body from lineal_events")] == [event()]


def test_events_come_back_in_order_and_by_run(store):
    for run in range(5):
        store.append(event(run))
    assert [json.loads(body)["job"]["name"] for body in store.events(chunk=2)] == [f"job{run}" for run in range(5)]
    chosen = store.events(run_ids=(RUN.format(1), RUN.format(3)))
    assert [json.loads(body)["job"]["name"] for body in chosen] == ["job1", "job3"]


def test_a_run_keeps_its_end_whatever_comes_after(store):
    for kind in ("START", "COMPLETE", "RUNNING", "FAIL", "OTHER"):
        store.append(event(kind=kind))
    run = find_run(store, RUN.format(1))
    assert (run.state, run.ended_at) == ("COMPLETE", "2026-01-01T00:00:00.000000+00:00")


@pytest.mark.parametrize("between", ["T", "t", " "])
def test_times_have_one_form_in_the_index(store, between):
    store.append(event(kind="COMPLETE", time=f"2026-01-01{between}19:00:00.000000+00:00"))
    assert find_run(store, RUN.format(1)).ended_at == "2026-01-01T19:00:00.000000+00:00"


def test_the_root_of_a_run_is_found(store):
    store.append(event(1))
    store.append(event(2, parent=1))
    run = find_run(store, RUN.format(2))
    assert (run.parent_id, run.root.job) == (RUN.format(1), "job1")
    store.append(event(3, parent=2))
    below = graph.runs_below(store, find_run(store, RUN.format(1)))
    assert [run.run_id for run in below] == [RUN.format(1), RUN.format(2), RUN.format(3)]
    assert graph.ids_below(store, RUN.format(2)) == {RUN.format(2), RUN.format(3)}
    assert graph.ids_below(store, RUN.format(4)) == set()


def test_of_several_attempts_the_last_is_found_by_the_engines_id(store):
    store.append(event(1, engine="e"))
    store.append(event(2, engine="e"))
    assert [run.job for run in find_runs_of_engine(store, ["e"])] == ["job2"]


def test_who_reads_what_it_writes_did_not_make_it(store):
    store.append(event(1, "COMPLETE", outputs=[("a", "1")]))
    store.append(event(2, "COMPLETE", inputs=[("a", "1")], outputs=[("a", "1")]))
    store.append(event(3, "FAIL", outputs=[("a", "1")]))
    assert last_producer(store, graph.version_key("d", "a", "1")).job == "job1"


@pytest.mark.parametrize("first", ["job", "dataset"])
def test_a_job_and_a_dataset_of_one_name_are_both_on_record(store, sql, first):
    called = {"namespace": "n", "name": "prices"}
    runs, reads = event(1) | {"job": called}, event(2, inputs=[("prices", "1")])
    reads["inputs"][0]["namespace"] = "n"
    for each in (runs, reads) if first == "job" else (reads, runs):
        store.append(each)
    assert sql("select namespace, name from lineal_datasets") == [("n", "prices")]
    assert ("n", "prices") in sql("select namespace, name from lineal_jobs")
    assert set(store.rebuild().values()) == {0}


def test_a_rebuilt_index_is_the_same(store):
    for run in range(20):
        parent = run // 2 if run else None
        store.append(event(run, parent=parent, inputs=[("a", str(run))]))
        store.append(event(run, "COMPLETE", parent=parent, inputs=[("a", str(run))], outputs=[("a", str(run + 1))]))
    assert set(store.rebuild().values()) == {0}


def test_a_rebuild_mends_the_index_and_says_what_differed(store, sql):
    store.append(event(1, "COMPLETE", outputs=[("a", "1")]))
    sql("update lineal_runs set state = 'FAIL'")
    sql("delete from lineal_edges")
    differing = {name: count for name, count in store.rebuild().items() if count}
    assert differing == {"lineal_runs": 2, "lineal_edges": 1}  # a row that was other than it is now counts on each side
    assert find_run(store, RUN.format(1)).state == "COMPLETE"
    assert set(store.rebuild().values()) == {0}


def test_what_is_recorded_while_the_index_is_remade_need_not_wait_and_is_in_it(store, sql, monkeypatch):
    store.append(event(1, outputs=[("a", "1")]))
    store.append(event(2, "COMPLETE", outputs=[("b", "1")]))
    store.append(event(3))
    sql("update lineal_runs set state = 'FAIL'")
    sql("delete from lineal_edges")
    other, made = Store(store.url), index.rows_of_all
    other._writer = engine.writing(other.engine, 0.2)
    waiting = [event(1, "COMPLETE", outputs=[("a", "2")]), event(4, "COMPLETE", inputs=[("a", "2")])]

    def meanwhile(events):
        while waiting:
            other.append(waiting.pop(0))
        return made(events)

    monkeypatch.setattr(index, "rows_of_all", meanwhile)
    # What they have said since is no difference.
    assert {name: count for name, count in store.rebuild().items() if count} == {"lineal_runs": 6, "lineal_edges": 2}
    assert [find_run(store, RUN.format(run)).state for run in (1, 2, 3, 4)] == [
        "COMPLETE",
        "COMPLETE",
        "START",
        "COMPLETE",
    ]
    assert last_producer(store, graph.version_key("d", "a", "2")).job == "job1"
    assert set(store.rebuild().values()) == {0}


def test_a_rebuild_follows_a_log_that_grows_faster_than_it_reads(store, sql, monkeypatch):
    monkeypatch.setattr(rebuild, "_CHUNK", 3)
    for run in range(10):
        store.append(event(run, outputs=[("a", str(run))]))
    sql("delete from lineal_versions")
    numbers, made, other = iter(range(10, 30)), index.rows_of_all, Store(store.url)

    def meanwhile(events):
        for run in list(islice(numbers, 4)):
            other.append(event(run, "COMPLETE", inputs=[("a", str(run - 1))], outputs=[("a", str(run))]))
        return made(events)

    monkeypatch.setattr(index, "rows_of_all", meanwhile)
    store.rebuild()
    assert set(store.rebuild().values()) == {0}
    assert last_producer(store, graph.version_key("d", "a", "29")).job == "job29"


def test_texts_that_were_meddled_with_are_found_again_by_their_words(store, sql):
    described = {"documentation": {"description": "ripe grapes"}}
    store.append({**event(1, "COMPLETE"), "job": {"namespace": "n", "name": "job1", "facets": described}})
    assert [hit.subject for hit in search(store, "grapes").hits] == [f"run:{RUN.format(1)}"]
    sql("update lineal_texts set text = 'sour lemons'")
    assert store.rebuild()["lineal_texts"] > 0
    assert [hit.subject for hit in search(store, "grapes").hits] == [f"run:{RUN.format(1)}"]
    assert search(store, "lemons").hits == ()
    assert set(store.rebuild().values()) == {0}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            event,
            st.integers(0, 3),
            st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"]),
            inputs=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12")), max_size=2),
            outputs=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12")), max_size=2),
            parent=st.none() | st.integers(0, 3),
            engine=st.none() | st.sampled_from(["x", "y"]),
        ),
        max_size=12,
    )
)
def test_any_log_rebuilds_to_the_index_that_writing_it_made(store, sql, events):
    for table in ("lineal_events", *store.rebuild()):
        sql(f"delete from {table}")
    store = Store(store.url)
    for each in events:
        store.append(each)
    assert set(store.rebuild().values()) == {0}


def _write(url, worker, count):
    store = Store(url)
    for number in range(count):
        # All write the same names, in an order of their own, and each its own runs.
        names = [(name, str(number % 7)) for name in ("abcde"[worker % 5 :] + "abcde"[: worker % 5])]
        for kind in ("START", "COMPLETE"):
            store.append(event(worker * 1000 + number, kind, inputs=names[:3], outputs=names[2:]))


def test_many_processes_write_at_a_time(store_url):
    # The store is not there yet: they make it at the same time.
    with ProcessPoolExecutor(8, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in [pool.submit(_write, store_url, worker, 25) for worker in range(1, 9)]:
            done.result()
    store = Store(store_url)
    runs = [json.loads(body)["run"]["runId"] for body in store.events()]
    expected = [RUN.format(worker * 1000 + number) for worker in range(1, 9) for number in range(25)]
    assert sorted(runs) == sorted(expected * 2)
    assert set(store.rebuild().values()) == {0}


def test_asking_where_nothing_is_recorded(tmp_path):
    with pytest.raises(
        StoreError, match="nothing is recorded here yet; run a pipeline or a traced flow first, or set LINEAL_STORE"
    ):
        Store(f"sqlite:///{tmp_path}/none.db", create=False)
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_store(tmp_path):
    (tmp_path / "x.db").write_text("not a database, and quite long enough to be looked at")
    with pytest.raises(StoreError, match=r"x\.db: the lineage store cannot be opened: file is not a database"):
        Store(f"sqlite:///{tmp_path}/x.db")


def test_indexes_of_few_rows_hold_those_alone(store_url):
    found = {}
    for table in ("lineal_events", "lineal_runs"):
        for each in sa.inspect(Store(store_url).engine).get_indexes(table):
            found[each["name"]] = [str(part) for part in each.get("dialect_options", {}).values() if str(part) != "[]"]
    assert "run_id IS NULL" in found["lineal_events_time"][0]
    assert "ended_at IS NULL" in found["lineal_runs_open"][0]


def test_a_store_loads_its_own_database_dialect_alone(tmp_path):
    script = (
        "import sys; from lineal.store.log import Store; "
        f"Store('sqlite:///{tmp_path}/lineal.db'); sys.exit('sqlalchemy.dialects.postgresql' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_url_that_is_none():
    with pytest.raises(StoreError, match="cannot be opened"):
        Store("no url at all")


def test_a_password_in_the_url_is_not_shown(tmp_path):
    with pytest.raises(StoreError) as caught:
        Store("nosuchdb://me:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


def _import(url, text):
    done = import_events(Store(url), io.BytesIO(text.encode()), "log")
    return done.new, done.known


@pytest.mark.slow
def test_an_event_with_much_to_say_is_imported(store):
    told = event(kind="COMPLETE")
    told["schemaURL"] = "urn:schema"
    told["job"]["facets"] = {"documentation": {"description": "what it does " * 400}}
    values = [{"key": f"parameter {number}", "value": "a value " * 10} for number in range(60)]
    told["run"]["facets"] = {"executionParameters": {"parameters": values}}
    assert import_events(store, io.BytesIO(ndjson(told).encode()), "log").new == 1
    assert [json.loads(body) for body in store.events()] == [told]


def test_many_processes_import_the_same_log_while_others_write(store_url):
    text = ndjson(
        *(each for number in range(300) for each in dbt(f"m{number}", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"))
    )
    with ProcessPoolExecutor(6, mp_context=multiprocessing.get_context("spawn")) as pool:
        writers = [pool.submit(_write, store_url, worker, 25) for worker in (1, 2)]
        imports = [pool.submit(_import, store_url, text) for _ in range(4)]
        assert [done.result() for done in writers] == [None, None]
        assert sorted(done.result() for done in imports) == [(0, 600)] * 3 + [(600, 0)]
    store = Store(store_url)
    assert len(set(store.events())) == len(list(store.events())) == 600 + 100
    assert set(store.rebuild().values()) == {0}


@pytest.mark.slow
def test_a_rebuild_among_writers_loses_nothing(store_url):
    store = Store(store_url)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        writers = [pool.submit(_write, store_url, worker, 50) for worker in (1, 2)]
        while not all(done.done() for done in writers):
            assert set(store.rebuild().values()) == {0}
            time.sleep(0.05)  # SQLite is not fair: who waits looks again from time to time, and finds it held anew
        assert [done.result() for done in writers] == [None, None]
    assert sum(1 for _ in store.events()) == 200
    assert set(store.rebuild().values()) == {0}


@pytest.mark.slow
def test_who_reads_on_from_a_place_misses_nothing(store_url):
    """A place in the log is taken in the order in which events become visible, on PostgreSQL as on SQLite."""
    store = Store(store_url)
    seen: list[int] = []
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        writers = [pool.submit(_write, store_url, worker, 40) for worker in range(1, 5)]
        ended = False
        while not ended:
            ended = all(done.done() for done in writers)
            query = sa.select(tables.events.c.seq).where(tables.events.c.seq > (seen[-1] if seen else 0))
            seen += [row.seq for row in store.read(query.order_by(tables.events.c.seq))]
        assert [done.result() for done in writers] == [None] * 4
    assert len(seen) == 4 * 40 * 2


_FORK = """
import os, sys
from tests.unit.store.test_store import RUN, Store, event
store = Store()
store.append(event(0))
child = os.fork()
for number in range(1, 51):
    store.append(event(number + (100 if child else 200)))
if not child:
    os._exit(0)
sys.exit(os.waitpid(child, 0)[1])
"""


def test_a_process_and_its_fork_write_by_connections_of_their_own(store_url):
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORK],
        env=os.environ | {"LINEAL_STORE": store_url, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    store = Store(store_url)
    assert sum(1 for _ in store.events()) == 101
    assert set(store.rebuild().values()) == {0}


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_url_that_names_no_driver(postgres_url, scheme):
    Store(postgres_url.replace("postgresql+psycopg", scheme)).append(event())
    assert sum(1 for _ in Store(postgres_url, create=False).events()) == 1
