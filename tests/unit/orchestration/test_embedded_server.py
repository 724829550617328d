"""The embedded Prefect server, run real."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lineal.errors import ProjectError, StorageError
from lineal.orchestration.configured import configured
from lineal.orchestration.server import PrefectApi, embedded_server, quiet_environment
from tests.parts.consumer import consumer
from tests.parts.project import lay_out

FLOW = """
import sys
from lineal.orchestration.server import embedded_server, quiet_environment

quiet_environment()
with embedded_server() as api:
    from prefect import flow, get_run_logger, task
    from prefect.artifacts import create_markdown_artifact
    from prefect.events import emit_event

    @task
    def step(number):
        get_run_logger().info("step %s", number)

    @flow
    def many():
        create_markdown_artifact("# Result", key="result")
        for number in range(int(sys.argv[1])):
            step(number)
        for number in range(500):
            emit_event("lineal.test", resource={"prefect.resource.id": f"lineal.test.{number}"})

    api.wait_ready()
    many()
"""
WAITING = """
import time
from lineal.orchestration.server import embedded_server

with embedded_server() as api:
    print(api.server.process.pid, flush=True)
    if READY:
        api.wait_ready()
        print("ready", flush=True)
    time.sleep(600)
"""


LOST = """
import os, signal
from lineal.orchestration.server import embedded_server, quiet_environment

quiet_environment()
with embedded_server() as api:
    from prefect.events import emit_event
    from prefect.events.worker import EventsWorker

    api.wait_ready()
    emit_event("lineal.test", resource={"prefect.resource.id": "lineal.test"})
    EventsWorker.instance().wait_until_empty()
    os.kill(api.server.process.pid, signal.SIGKILL)
    for number in range(100):
        emit_event("lineal.test", resource={"prefect.resource.id": f"lineal.test.{number}"})
print("left", flush=True)
"""


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """A process environment with nothing configured, in an empty folder."""
    for name in list(os.environ):
        if name.startswith(("PREFECT_", "LINEAL_")) or name in ("DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "lineal"))
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("no_proxy", "intranet")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield tmp_path
    # The session's other tests share a server that this process must find again.
    monkeypatch.undo()
    if "prefect.context" in sys.modules:
        sys.modules["prefect.context"].refresh_global_settings_context()


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def rows(scratch: Path, query: str) -> list[tuple]:
    database = sqlite3.connect(scratch / "prefect" / "prefect.db")
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def gone(pid: int, within: float = 45) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_two_runs_at_once_in_a_fresh_home_leave_everything_in_the_users_database(scratch):
    runs = [python(FLOW, "80"), python(FLOW, "5")]

    try:
        for run in runs:
            out, err = run.communicate(timeout=240)
            assert run.returncode == 0, err
            assert (out, err) == ("", "")
    finally:
        for run in runs:
            run.kill()

    assert rows(scratch, "select state_type, count(*) from flow_run group by 1") == [("COMPLETED", 2)]
    assert rows(scratch, "select state_type, count(*) from task_run group by 1") == [("COMPLETED", 85)]
    assert rows(scratch, "select count(*) from events where event = 'lineal.test'") == [(1000,)]
    assert rows(scratch, "select count(*) from log where message like 'step %'") == [(85,)]
    assert rows(scratch, "select count(*) from artifact where key = 'result'") == [(2,)]
    # `prefect server start` registers the block types only where nobody noted that it has been done.
    assert not (scratch / "prefect" / "memo_store.toml").exists()
    assert list((scratch / "lineal" / "logs").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("ready", [True, False], ids=["serving", "starting"])
def test_a_killed_parent_leaves_no_server(scratch, ready):
    parent = python(WAITING.replace("READY", str(ready)))
    server = int(parent.stdout.readline())
    if ready:
        assert parent.stdout.readline() == "ready\n"

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    assert gone(server)


@pytest.mark.slow
def test_what_a_server_that_has_died_does_not_take_holds_nobody_up(scratch):
    run = python(LOST)

    try:
        assert run.stdout.readline() == "left\n"
        # Prefect alone would now try for 7 s to send each of the hundred.
        assert run.wait(20) == 0
    finally:
        run.kill()
        run.communicate()


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why(scratch, monkeypatch):
    (scratch / "prefect").mkdir()
    (scratch / "prefect" / "prefect.db").write_text("no database " * 500)

    with embedded_server() as api, pytest.raises(ProjectError) as error:
        api.wait_ready(60)

    assert "the embedded Prefect server ended with status 3; its log" in error.value.message
    assert "file is not a database" in error.value.message
    assert error.value.message.endswith("run `prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api")
    assert [log.name for log in (scratch / "lineal" / "logs").iterdir()] == [f"prefect-server-{os.getpid()}.log"]


def test_a_server_that_is_slow_is_not_waited_for_without_end(scratch):
    with embedded_server() as api:
        assert os.environ["PREFECT_API_URL"] == api.url
        assert os.environ["NO_PROXY"] == "intranet,127.0.0.1"
        with pytest.raises(ProjectError, match=r"the embedded Prefect server did not answer within 0\.1 s; its log"):
            api.wait_ready(0.1)

    assert "PREFECT_API_URL" not in os.environ
    assert gone(api.server.process.pid)


def test_a_configured_api_is_used_as_it_is(scratch, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example:4200/api")

    with embedded_server() as api:
        assert api == PrefectApi("http://prefect.example:4200/api")

    assert not (scratch / "lineal").exists()


def test_a_configured_api_that_does_not_answer_is_named_without_its_password(scratch, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://ada:secret@127.0.0.1:9/api")
    monkeypatch.delenv("HTTP_PROXY")

    with embedded_server() as api, pytest.raises(ProjectError) as error:
        api.wait_ready(0.2)

    assert error.value.message.startswith("the Prefect API at http://127.0.0.1:9/api does not answer (")
    assert error.value.message.endswith("start its server, or unset PREFECT_API_URL to use an embedded one")


@pytest.mark.parametrize("words", ["run pipelines/wine.toml", "predict model:wine@1 --data pipelines/data/wine.csv"])
def test_a_configured_api_that_is_down_is_told_before_anything_is_loaded(words, scratch):
    project = lay_out(scratch / "project")
    environment = {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    environment.pop("HTTP_PROXY", None)
    code = (
        "import sys; from lineal.orchestration import server; server.GIVEN_SECONDS = 0.3; import atexit; "
        "atexit.register(lambda: print(sorted({'prefect', 'mlflow', 'sklearn'} & set(sys.modules)))); "
        "from lineal.cli.app import main; main(sys.argv[1:])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *words.split()],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("lineal: the Prefect API at http://127.0.0.1:9/api does not answer (")
    assert done.stderr.count("\n") == 1
    assert done.stdout == "[]\n"


def test_a_home_that_cannot_be_written_is_named(scratch, monkeypatch):
    (scratch / "lineal").write_text("a file, no folder")

    with pytest.raises(StorageError, match=r"prefect-server-\d+\.log cannot be written: .*; set LINEAL_HOME"):  # noqa: SIM117
        with embedded_server():
            pass


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".env", "PREFECT_API_URL=http://given/api\n"),
        ("prefect.toml", '[api]\nurl = "http://given/api"\n'),
        ("pyproject.toml", '[tool.prefect.api]\nurl = "http://given/api"\n'),
        ("../prefect/profiles.toml", 'active = "a"\n[profiles.a]\nPREFECT_API_URL = "http://given/api"\n'),
    ],
)
def test_an_api_is_found_wherever_prefect_finds_it(scratch, file, text):
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(text)

    assert configured("PREFECT_API_URL") == "http://given/api"


@pytest.mark.parametrize("file", [None, ".env"])
def test_what_is_set_to_nothing_is_not_looked_for_elsewhere(scratch, monkeypatch, file):
    Path("prefect.toml").write_text('[api]\nurl = "http://given/api"\n')
    if file:
        Path(file).write_text("PREFECT_API_URL=\n")
    else:
        monkeypatch.setenv("PREFECT_API_URL", "")

    assert configured("PREFECT_API_URL") is None


def test_small_letters_name_a_setting_as_well(scratch, monkeypatch):
    Path(".env").write_text("Prefect_api_key=k\n")
    monkeypatch.setenv("prefect_api_url", "http://given/api")

    assert (configured("PREFECT_API_URL"), configured("PREFECT_API_KEY")) == ("http://given/api", "k")


@pytest.mark.parametrize(
    ("name", "said", "sent"),
    [
        ("PREFECT_API_KEY", "refuses PREFECT_API_KEY; correct it", "Bearer ada:secret"),
        ("PREFECT_API_AUTH_STRING", "refuses PREFECT_API_AUTH_STRING; correct it", "Basic YWRhOnNlY3JldA=="),
        ("UNRELATED", "asks who we are; set PREFECT_API_KEY", None),
    ],
)
def test_a_configured_api_that_does_not_let_us_in_is_told_in_a_sentence(scratch, monkeypatch, name, said, sent):
    monkeypatch.setenv(name, "ada:secret")
    monkeypatch.delenv("HTTP_PROXY")
    with consumer() as server:
        server.answer(401)
        with pytest.raises(ProjectError) as error:
            PrefectApi(f"{server.url}/api").require_given()
        assert server.headers[-1].get("authorization") == sent
        server.answer(200)
        PrefectApi(f"{server.url}/api").require_given()
    assert error.value.message == (
        f"the Prefect API at {server.url}/api {said}, or unset PREFECT_API_URL to use an embedded one"
    )


@pytest.mark.parametrize("key", ["k\u00e4se", "key\n"])
def test_a_key_that_cannot_be_sent_is_told_in_a_sentence(scratch, monkeypatch, key):
    monkeypatch.setenv("PREFECT_API_KEY", key)
    monkeypatch.delenv("HTTP_PROXY")
    with consumer() as server, pytest.raises(ProjectError) as error:
        PrefectApi(f"{server.url}/api").require_given()
    assert error.value.message == (
        f"the Prefect API at {server.url}/api cannot be sent PREFECT_API_KEY, which holds other than printable ASCII; "
        "correct it, or unset PREFECT_API_URL to use an embedded one"
    )


def test_the_profile_is_the_one_that_is_active(scratch, monkeypatch):
    profiles = scratch / "profiles.toml"
    profiles.write_text('active = "b"\n[profiles.a]\nPREFECT_API_URL = "http://given/api"\n[profiles.b]\n')
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(profiles))

    assert configured("PREFECT_API_URL") is None
    monkeypatch.setenv("PREFECT_PROFILE", "a")
    assert configured("PREFECT_API_URL") == "http://given/api"


def test_a_broken_profile_is_prefects_to_report(scratch):
    (scratch / "prefect").mkdir()
    (scratch / "prefect" / "profiles.toml").write_text("active = ")

    assert configured("PREFECT_API_URL") is None


def test_reporting_and_the_console_are_quiet_unless_the_user_has_said_otherwise(scratch, monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "INFO")
    Path("prefect.toml").write_text("[server]\nanalytics_enabled = true\n")
    monkeypatch.setattr(os, "environ", os.environ.copy())

    quiet_environment()

    assert os.environ["DO_NOT_TRACK"] == "true"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] == "INFO"
    assert "PREFECT_SERVER_ANALYTICS_ENABLED" not in os.environ


def test_the_console_is_as_it_was_first_asked_for(scratch, monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())

    quiet_environment(console="DEBUG")
    quiet_environment()

    assert os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] == "DEBUG"


def test_flows_on_an_embedded_server_send_no_heartbeats_unless_the_user_wants_them(scratch, monkeypatch):
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY as HEARTBEAT

    embedded = PrefectApi("http://127.0.0.1:1/api", server=object())  # only whether there is one counts
    before = HEARTBEAT.value()
    with embedded.settings():
        assert HEARTBEAT.value() is None
    with PrefectApi("http://127.0.0.1:1/api").settings():
        assert HEARTBEAT.value() == before
    monkeypatch.setenv("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "60")
    with embedded.settings():
        assert HEARTBEAT.value() is not None
