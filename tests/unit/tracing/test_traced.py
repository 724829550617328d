"""`@traced` on plain functions: what a call says of itself."""

import asyncio
import hashlib
import inspect
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timezone
from uuid import RFC_4122, UUID, uuid4

import pytest

from lineal import Column, Dataset, Model, current_run, run_id, traced
from lineal.errors import EventError, ProjectError, StoreError
from lineal.store.graph import runs_under
from lineal.store.log import Store
from lineal.tracing.clean import Verbatim
from lineal.tracing.facets import input_of
from lineal.tracing.statements import Assertion, Origin


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    return Dataset(path)


def test_arguments_are_inputs_and_results_are_outputs(lineage, table, tmp_path):
    @traced
    def clean(raw: Dataset, times: int) -> Dataset:
        """Clean it.

        At length.
        """
        (tmp_path / "clean.csv").write_text("a\n1\n")
        return Dataset(tmp_path / "clean.csv")

    clean(table, times=2)
    start, end = lineage.events("clean")
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert start["run"]["runId"] == end["run"]["runId"]
    assert start["outputs"] == []
    (read,), (written,) = end["inputs"], end["outputs"]
    assert read == start["inputs"][0]
    assert (read["namespace"], read["name"]) == ("file", str(tmp_path / "raw.csv"))
    # The MD5 of the bytes, as `md5sum` and DVC give it.
    assert read["facets"]["version"]["datasetVersion"] == hashlib.md5(b"a,b\n1,x\n2,y\n").hexdigest()  # noqa: S324
    assert [field["name"] for field in read["facets"]["schema"]["fields"]] == ["a", "b"]
    assert written["name"] == str(tmp_path / "clean.csv")
    assert end["job"]["facets"]["documentation"]["description"] == "Clean it."


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("s3://b/x.CSV", "csv"),
        ("s3://b/x", None),
        ("s3://b/x.csv.gz", "csv"),
        ("s3://b/v1.2", None),
        ("sqlite:////data/x.db", None),
        ("/cache/files/md5/0a/123456789012345678901234567890", "parquet"),
    ],
)
def test_a_named_tables_format_is_that_of_its_bytes(uri, told):
    table = Dataset(uri, name="t", version="0a123456789012345678901234567890")
    assert input_of(table).facets["storage"].fileFormat == told


def test_handles_are_found_inside_containers_and_dataclasses(lineage, table):
    @dataclass
    class Pair:
        left: Dataset
        rest: dict[str, list[Dataset]]

    other = Dataset("s3://bucket/key.parquet", version="v")

    @traced
    def join(pair: Pair, *more: Dataset) -> tuple[Dataset, ...]:
        return (Dataset("gs://bucket/out", version="1"),)

    join(Pair(table, {"x": [other]}), Dataset("hdfs://host:8020/in"))
    assert len(lineage.inputs("join")) == 3
    assert "key.parquet" in lineage.inputs("join")
    assert lineage.outputs("join") == ["out"]


def test_the_same_version_is_named_once(lineage, table):
    @traced
    def twice(one, two): ...

    twice(table, [table, table])
    assert len(lineage.inputs("twice")) == 1


def test_an_exception_fails_the_run_and_reaches_the_caller(lineage):
    @traced
    def broken():
        raise ValueError("no such thing at postgresql://me:hunter2@host/db")

    with pytest.raises(ValueError, match="no such thing"):
        broken()
    message = lineage.event("broken", "FAIL")["run"]["facets"]["errorMessage"]
    assert message["message"] == "no such thing at postgresql://host/db"
    assert "in broken" in message["stackTrace"]
    assert "hunter2" not in lineage.ndjson()


def test_what_ends_a_loop_elsewhere_is_a_failure_of_a_plain_function(lineage):
    @traced
    def first_of_none():
        return next(iter([]))

    with pytest.raises(StopIteration):
        first_of_none()
    assert [event["eventType"] for event in lineage.events()] == ["START", "FAIL"]


def test_no_secret_of_a_parameter_or_an_error_is_recorded(lineage):
    @traced
    def load():
        current_run().parameters({"db_password": "hunter2", "dsn": "host=h password=hunter2", "rows": 3})
        raise RuntimeError("cannot connect: Driver={X};PWD={hunter2};Server=h, Authorization: Bearer hunter2")

    with pytest.raises(RuntimeError):
        load()
    end = lineage.events("load")[-1]
    assert "hunter2" not in str(end)
    told = {each["key"]: each["value"] for each in end["run"]["facets"]["executionParameters"]["parameters"]}
    assert told == {"db_password": "***", "dsn": "host=h password=***", "rows": "3"}


def test_names_and_what_is_run_again_lose_only_the_secrets_of_urls(lineage):
    places = ["hdfs://nn:8020/data/user@corp/x.csv", "/data/account_key=17/part.csv", "/data/account_key=18/part.csv"]
    code = 'params = { pad_token = "<pad>" }  # postgresql://ada:hunter2@db/wine'

    @traced
    def read():
        for place in places:
            current_run().input(Dataset(place, version="1"))
        made = Dataset(name="made", uri=places[1], version="2")
        current_run().output(made, columns={"a": [Origin(Dataset(places[2]), "b", "IDENTITY")]})
        current_run().source(code, "TOML")
        current_run().parameters({"pipeline.set": Verbatim("pad_token=<p>")})
        current_run().materials({"overrides": ["pad_token=<p>"], "data": "https://ada:hunter2@h/x?token=hunter2"})

    read()
    end = lineage.events("read")[-1]
    assert [each["name"] for each in end["inputs"]] == ["data/user@corp/x.csv", *places[1:]]
    facets = end["outputs"][0]["facets"]
    assert facets["symlinks"]["identifiers"][0]["name"] == places[1]
    assert facets["columnLineage"]["fields"]["a"]["inputFields"][0]["name"] == places[2]
    assert end["job"]["facets"]["sourceCode"]["sourceCode"] == code.replace("ada:hunter2@", "")
    told = end["run"]["facets"]
    assert told["executionParameters"]["parameters"][0]["value"] == "pad_token=<p>"
    assert told["lineal_materials"]["overrides"] == ["pad_token=<p>"]
    assert told["lineal_materials"]["data"] == "https://h/x?token=***"


def test_an_interrupt_aborts_the_run(lineage):
    @traced
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert lineage.event("stopped", "ABORT")


def test_what_runs_within_is_below(lineage):
    @traced
    def inner(): ...

    @traced
    def outer():
        inner()
        inner()

    outer()
    top = lineage.event("outer")["run"]["runId"]
    below = lineage.events("outer.inner", "COMPLETE")
    assert len({event["run"]["runId"] for event in below}) == 2
    for event in below:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == parent["root"]["run"]["runId"] == top
    kinds = [event["eventType"] for event in lineage.events()]
    assert kinds == ["START", "START", "COMPLETE", "START", "COMPLETE", "COMPLETE"]


def test_a_scheduler_outside_is_the_parent(lineage, monkeypatch):
    parent = "01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e"
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/dag.task/{parent}")

    @traced
    def inner(): ...

    @traced
    def step():
        inner()

    step()
    event = lineage.event("step")["run"]
    facet = event["facets"]["parent"]
    assert (facet["run"]["runId"], facet["job"]["namespace"], facet["job"]["name"]) == (parent, "airflow", "dag.task")
    # It says itself what it runs in, and questions take it and its steps for one flow.
    assert "lineal_environment" in event["facets"]
    assert lineage.event("step.inner")["run"]["facets"]["parent"]["root"]["run"]["runId"] == parent
    assert [run.job for run in runs_under(lineage.store, event["runId"])] == ["step", "step.inner"]


@pytest.mark.parametrize("above", [None, "airflow/dag.task/01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e"])
def test_the_outermost_run_of_a_process_says_what_it_runs_in(lineage, monkeypatch, above):
    if above:
        monkeypatch.setenv("OPENLINEAGE_PARENT_ID", above)
    monkeypatch.setenv("LINEAL_VARIES", "model:demo@1")

    @traced
    def step(): ...

    @traced
    def work():
        step()

    work()
    facets = lineage.event("work")["run"]["facets"]
    assert facets["lineal_environment"]["python"]
    assert facets["lineal_materials"]["varies"] == "model:demo@1"
    assert not {"lineal_environment", "lineal_materials"} & lineage.event("work.step")["run"]["facets"].keys()


@pytest.mark.parametrize("value", ["airflow/dag.task/7", "dag.task/01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e", "nonsense"])
def test_a_parent_that_cannot_be_read_is_said_and_left_out(lineage, monkeypatch, caplog, value):
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", value)

    @traced
    def step(): ...

    step()
    assert "parent" not in lineage.event("step")["run"]["facets"]
    assert f"OPENLINEAGE_PARENT_ID is {value!r}, and not NAMESPACE/JOB/RUN_ID" in caplog.text
    monkeypatch.setenv("LINEAL_STRICT", "1")
    with pytest.raises(ProjectError, match="OPENLINEAGE_PARENT_ID"):
        step()


def test_a_child_process_is_told_its_parent_whatever_the_namespace(lineage, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "https://prefect.example/team")

    @traced
    def outer():
        return current_run().environ()

    @traced
    def step(): ...

    for name, value in outer().items():
        monkeypatch.setenv(name, value)
    step()
    facet = lineage.event("step")["run"]["facets"]["parent"]
    assert facet["run"]["runId"] == lineage.event("outer")["run"]["runId"]
    assert facet["root"]["job"]["namespace"] == "https://prefect.example/team"


def test_async_functions_are_recorded_apart(lineage):
    @traced
    async def nap(name: str):
        current_run().parameters({"name": name})
        await asyncio.sleep(0.01)

    async def both():
        await asyncio.gather(nap("one"), nap("two"))

    asyncio.run(both())
    ended = lineage.events("nap", "COMPLETE")
    names = {e["run"]["facets"]["executionParameters"]["parameters"][0]["value"] for e in ended}
    assert names == {"one", "two"}


def test_the_current_run_adds_what_a_signature_cannot_say(lineage, table):
    @traced
    def fit(data: Dataset) -> None:
        run = current_run()
        run.input(
            data,
            assertions=[Assertion("min", False, "a", expected=">= 2", actual="1")],
            rows=2,
            columns={"a": {"nullCount": 0, "min": 1.0, "max": float("nan")}},
        )
        model = Model("demo.model", "d" * 64, "models:/m-1", columns=(Column("a", "double"),))
        run.output(model, columns={"a": [Origin(data, "a", "TRANSFORMATION")]})
        run.metrics({"accuracy": 0.5, "loss": float("inf")}, of="held-out")
        run.tag("stage", "test")

    fit(table)
    event = lineage.event("fit")
    checks = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert checks[0]["assertion"] == "min"
    assert checks[0]["success"] is False
    assert event["inputs"][0]["inputFacets"]["dataQualityMetrics"]["columnMetrics"]["a"]["min"] == 1.0
    assert "max" not in event["inputs"][0]["inputFacets"]["dataQualityMetrics"]["columnMetrics"]["a"]
    (model,) = event["outputs"]
    assert model["facets"]["datasetType"]["datasetType"] == "MODEL"
    origin = model["facets"]["columnLineage"]["fields"]["a"]["inputFields"][0]
    assert (origin["field"], origin["transformations"][0]["subtype"]) == ("a", "TRANSFORMATION")
    metrics = event["run"]["facets"]["lineal_metrics"]["metrics"]
    assert metrics == [
        {"name": "accuracy", "value": 0.5, "of": "held-out"},
        {"name": "loss", "of": "held-out"},
    ]
    assert event["run"]["facets"]["tags"]["tags"][0]["key"] == "stage"


def test_outside_a_traced_call_the_current_run_goes_nowhere(lineage):
    current_run().parameters({"a": 1})
    assert lineage.events() == []


def test_a_dataset_whose_file_has_gone_is_said_and_the_work_goes_on(lineage, tmp_path, caplog):
    @traced
    def work(data: Dataset) -> int:
        return 7

    with caplog.at_level(logging.WARNING, logger="lineal"):
        assert work(Dataset(tmp_path / "gone.csv")) == 7
    error = lineage.event("work")["run"]["facets"]["extractionError"]["errors"][0]
    assert "gone.csv" in error["errorMessage"]
    # Its name is known all the same.
    assert lineage.inputs("work") == [str(tmp_path / "gone.csv")]
    assert "gone.csv" in caplog.text


def test_strict_does_no_work_on_a_dataset_whose_file_has_gone(lineage, monkeypatch, tmp_path):
    monkeypatch.setenv("LINEAL_STRICT", "1")
    called = []

    @traced
    def work(data: Dataset) -> None:
        called.append(1)

    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        work(Dataset(tmp_path / "gone.csv"))
    assert (called, lineage.events()) == ([], [])


def test_a_store_that_cannot_be_written_never_stops_the_work(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{tmp_path}/file/lineal.db")

    @traced
    def work() -> int:
        return 7

    assert work() == 7
    assert "the lineage store cannot be opened" in caplog.text


def test_work_that_goes_to_another_project_is_recorded_where_it_began(monkeypatch, tmp_path):
    monkeypatch.delenv("LINEAL_HOME")
    here, there = (tmp_path / name for name in ("here", "there"))
    for folder in (here, there):
        folder.mkdir()
        (folder / "pyproject.toml").touch()
    monkeypatch.chdir(here)

    @traced
    def step(): ...

    @traced
    def work():
        monkeypatch.chdir(there)
        step()

    work()
    events = [json.loads(body) for body in Store(f"sqlite:///{here}/.lineal/lineal.db").events()]
    assert [event["eventType"] for event in events] == ["START", "START", "COMPLETE", "COMPLETE"]
    assert not (there / ".lineal").exists()


@pytest.mark.parametrize("consumer", [None, "http://127.0.0.1:9"])
def test_work_whose_folder_has_gone_is_recorded(lineage, monkeypatch, tmp_path, table, caplog, consumer):
    monkeypatch.setattr("lineal.store.delivery.courier._said", set())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OPENLINEAGE_DISABLED")
    if consumer:
        monkeypatch.setenv("OPENLINEAGE_URL", consumer)

    @traced
    def work(data): ...

    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    work(table)
    assert [event["eventType"] for event in lineage.events()] == ["START", "COMPLETE"]
    assert len(lineage.inputs("work")) == 1
    said = [record.getMessage() for record in caplog.records if "delivered" in record.getMessage()]
    assert len(said) == (1 if consumer else 0)


def test_strict_stops_work_that_cannot_be_recorded(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{tmp_path}/file/lineal.db")
    monkeypatch.setenv("LINEAL_STRICT", "1")
    called = []

    @traced
    def work() -> None:
        called.append(1)

    with pytest.raises(StoreError, match="cannot be opened"):
        work()
    assert not called


def test_ten_unrelated_tables_through_one_function_give_ten_chains(lineage):
    @traced
    def move(table: Dataset) -> Dataset:
        return Dataset(f"s3://out/{table.location[-1]}", version=table.version)

    @traced
    def all_of_them(n: int) -> None:
        for i in range(n):
            move(Dataset(f"s3://in/{i}", version=str(i)))

    all_of_them(10)
    pairs = [
        (event["inputs"][0]["name"], event["outputs"][0]["name"])
        for event in lineage.events("all_of_them.move", "COMPLETE")
    ]
    assert pairs == [(str(i), str(i)) for i in range(10)]
    assert lineage.event("all_of_them")["inputs"] == []


def test_run_ids_can_be_computed_by_anyone():
    task = UUID("01890c1c-7b1b-7c1e-8b1b-1c1e8b1b1c1e")
    assert run_id("lineal", task) == run_id("lineal", str(task).upper(), 1)
    assert len({run_id("lineal", task), run_id("other", task), run_id("lineal", task, 2)}) == 3
    # A flow run's id does not tell when it was made.
    flow, made = UUID("5635477c-0576-4868-9034-782e1e60f4eb"), datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    with pytest.raises(ValueError, match="created"):
        run_id("lineal", flow)
    # Fixed for ever: ids in stores of years ago rest on it.
    assert str(run_id("lineal", task)) == "01890c1c-7b1b-7457-96dc-73f54e3fb4dc"
    assert str(run_id("lineal", flow, 2, made)) == "019b7ca9-8f2e-76fc-acfd-c18d495224d5"


def test_a_run_id_has_the_time_in_it_and_the_form_of_version_7():
    made = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    found = run_id("lineal", uuid4(), created=made)
    assert (found.version, found.variant) == (7, RFC_4122)
    assert found.int >> 80 == int(made.timestamp() * 1000)
    # Whatever zone it is told in, and however much finer than a millisecond.
    assert run_id("n", task := uuid4(), created=made) == run_id("n", task, created=made.astimezone(timezone.max))
    assert run_id("n", task, created=made) == run_id("n", task, created=made.replace(microsecond=678000))


def test_times_have_a_zone_and_do_not_run_backwards(lineage):
    @traced
    def tick():
        time.sleep(0.001)

    tick()
    start, end = (datetime.fromisoformat(event["eventTime"]) for event in lineage.events())
    assert start.tzinfo is not None
    assert start < end


def test_a_recorded_function_keeps_its_name_signature_and_globals():
    @traced
    def named(a: int, *, b: str = "x") -> None:
        """Said."""

    assert (named.__name__, named.__doc__) == ("named", "Said.")
    assert list(inspect.signature(named).parameters) == ["a", "b"]
    # Prefect resolves a flow's annotations there.
    assert named.__globals__ is globals()


@pytest.mark.parametrize("kind", ["task", "flow"])
def test_above_prefects_decorators_it_says_where_it_goes(kind):
    import prefect

    def daily(): ...

    with pytest.raises(TypeError, match="put @traced below @task and @flow, next to the function daily"):
        traced(getattr(prefect, kind)(daily))


def test_fields_that_are_no_lineage_are_passed_over(lineage, table):
    @dataclass
    class Read:
        table: Dataset
        sources: tuple[Dataset, ...] = field(metadata={"lineage": False})

    @traced
    def use(read: Read): ...

    use(Read(table, (Dataset("s3://b/k"),)))
    assert lineage.inputs("use") == [str(table.uri)]


@pytest.mark.parametrize(
    ("handle", "kind"),
    [
        (Dataset("s3://b/k"), "FILE"),
        (Dataset("postgresql://h/db"), "TABLE"),
        (Dataset("/x", name="demo.train"), "TABLE"),
        (Model("demo.model", "d", "models:/m-1"), "MODEL"),
    ],
)
def test_what_kind_of_dataset_it_is(lineage, handle, kind):
    @traced
    def use(thing): ...

    use(handle)
    assert lineage.event("use", "START")["inputs"][0]["facets"]["datasetType"]["datasetType"] == kind


def test_each_event_says_what_was_cut_from_it(lineage):
    columns = tuple(Column(f"column {number} {'x' * 300}", "string") for number in range(4000))

    @traced
    def wide(table):
        return table

    wide(Dataset("file:///gone.parquet", name="wide", version="v", columns=columns))
    for kind in ("START", "COMPLETE"):
        event = lineage.event("wide", kind)
        cuts = event["run"]["facets"]["lineal_truncation"]["cuts"]
        assert {cut["length"] for cut in cuts} == {4000}
        assert len(event["inputs"][0]["facets"]["schema"]["fields"]) == cuts[0]["kept"]


class Unsaid:
    """A value whose own code fails."""

    def __str__(self):
        raise RuntimeError("no words for it")


def ring():
    ring = []
    ring.append(ring)
    return ring


BAD_FACETS = pytest.mark.parametrize(
    ("facet", "why"),
    [
        (7, "it is no JSON object but a int"),
        ({"value": Unsaid()}, "it is no JSON (no words for it)"),
        ({"value": ring()}, "it is no JSON (maximum recursion depth exceeded"),
    ],
    ids=["no object", "fails", "holds itself"],
)


@BAD_FACETS
def test_a_facet_that_is_no_json_is_left_out_and_said_and_the_run_ends(lineage, caplog, check_events, facet, why):
    @traced
    def work(data: Dataset) -> Dataset:
        current_run().facets["mine"] = facet
        current_run().tag("kept")
        return Dataset("s3://out/k", version="2", columns=(Column("a", "int64"),))

    assert work(Dataset("s3://in/k", version="1")).location == "s3://out/k"
    event = lineage.event("work")
    said = f"the facet 'mine' of work is left out: {why}"
    assert "mine" not in event["run"]["facets"]
    assert said in event["run"]["facets"]["extractionError"]["errors"][0]["errorMessage"]
    assert (len(event["inputs"]), len(event["outputs"])) == (1, 1)
    assert event["run"]["facets"]["tags"]["tags"][0]["key"] == "kept"
    (line,) = [record.getMessage() for record in caplog.records if record.name == "lineal"]
    assert said in line
    assert "\n" not in line
    check_events(lineage.ndjson())


@BAD_FACETS
def test_strict_fails_a_run_whose_facet_is_no_json(lineage, monkeypatch, check_events, facet, why):
    monkeypatch.setenv("LINEAL_STRICT", "1")

    @traced
    def work():
        current_run().facets["mine"] = facet

    with pytest.raises(EventError, match="the facet 'mine' of work is left out"):
        work()
    assert why in lineage.event("work", "FAIL")["run"]["facets"]["errorMessage"]["message"]
    assert [event["eventType"] for event in lineage.events()] == ["START", "FAIL"]
    check_events(lineage.ndjson())


def test_a_facet_with_odd_text_and_of_any_size_is_recorded(lineage, check_events):
    @traced
    def work():
        current_run().facets["mine"] = {
            "_schemaURL": "https://example.org/mine.json#/$defs/Mine",
            "text": "a\x00b\ud800",
            "number": float("nan"),
            "long": "x" * 3_000_000,
        }

    work()
    facets = lineage.event("work")["run"]["facets"]
    assert facets["mine"]["text"] == "a\ufffdb?"
    assert "number" not in facets["mine"]
    assert facets["lineal_truncation"]["cuts"][0] == {
        "path": "run.facets.mine.long",
        "length": 3_000_000,
        "kept": 200_000,
    }
    assert max(len(line) for line in lineage.ndjson().splitlines()) < 1024 * 1024
    check_events(lineage.ndjson())


@pytest.mark.parametrize("role", ["input", "output"])
def test_what_is_no_handle_is_said_and_the_work_goes_on(lineage, monkeypatch, caplog, role):
    @traced
    def work():
        getattr(current_run(), role)("raw.csv")
        return 7

    assert work() == 7
    said = f"an {role} is a Dataset or Model, not a str; write Dataset(...) around it"
    assert lineage.event("work")["run"]["facets"]["extractionError"]["errors"][0]["errorMessage"].endswith(said)
    assert f"lineage: adding an {role} to work went wrong: {said}" in caplog.text
    monkeypatch.setenv("LINEAL_STRICT", "1")
    with pytest.raises(TypeError, match="is a Dataset or Model, not a str"):
        work()


class Closed(Mapping):
    """As a shelf that was closed: it has a first value, and no second one can be read."""

    def __getitem__(self, key):
        raise OSError("the file is closed")

    def __iter__(self):
        return iter(["a"])

    def __len__(self):
        return 1


def test_a_result_that_cannot_be_looked_through_reaches_the_caller(lineage, monkeypatch, table):
    @traced
    def work():
        return [table, Closed()]

    @traced
    def parts():
        yield [table, Closed()]

    assert work()[0] == table
    assert [item[0] for item in parts()] == [table]
    for job in ("work", "parts"):
        said = lineage.event(job)["run"]["facets"]["extractionError"]["errors"][0]["errorMessage"]
        assert said.endswith("the file is closed")
        assert len(lineage.outputs(job)) == 1
    monkeypatch.setenv("LINEAL_STRICT", "1")
    with pytest.raises(OSError, match="the file is closed"):
        work()


def test_a_generator_may_yield_a_handle_whose_columns_are_a_list(lineage):
    @traced
    def parts():
        yield Dataset("s3://b/k", columns=[Column("a", "int64")])

    list(parts())
    (written,) = lineage.event("parts")["outputs"]
    assert [field["name"] for field in written["facets"]["schema"]["fields"]] == ["a"]
