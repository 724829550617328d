"""Every test has a home of its own: nothing is read from, or left in, that of whoever runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings

from lineal.store.engine import engine_of
from lineal.store.log import Store
from tests.parts import postgres

pytest_plugins = [
    "lineal.testing",
    "tests.parts.browser",
    "tests.parts.data_rentgen",
    "tests.parts.kafka",
    "tests.parts.marquez",
    "tests.parts.prefect_server",
]

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
# What a developer's shell may hold that would lead a test astray.
_STRAY = ("PREFECT_", "MLFLOW_", "OPENLINEAGE_", "LINEAL_", "DVC_", "AWS_")

os.environ.setdefault("MPLBACKEND", "agg")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in a shell's background: the programs that tests interrupt would inherit that they are not to be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A search for counter-examples belongs at a desk: a change is not to be held up by what it did not cause.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


# What takes longest is begun first: else one worker would be left with it when the others are done.
_LONGEST = (
    "test_reproduce",
    "test_reproduce_kinds",
    "test_version_data",
    "test_approve_in_prefect",
    "test_train",
    "test_sweep",
    "test_diff",
)


@pytest.hookimpl(tryfirst=True)  # before xdist takes each test's groups into its name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each worker have a Prefect server, and a module's tests stay with one: they mostly wait for it.

    So do all tests that look at the same packs, which take long to make.
    """
    items.sort(
        key=lambda item: (
            _LONGEST.index(item.path.stem) if item.path.stem in _LONGEST else len(_LONGEST),
            item.get_closest_marker("xdist_group") is None,
        )
    )
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and group.args == ("prefect",):
            with_whom = "packed" if "packed" in getattr(item, "fixturenames", ()) else item.path.stem
            item.add_marker(pytest.mark.xdist_group(f"prefect {with_whom}"), append=False)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, working folder and LINEAL_HOME, and none of the shell's settings."""
    for name in list(os.environ):
        if name.startswith(_STRAY) and name not in ("PREFECT_API_URL", "PREFECT_HOME"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    for name, value in {"HOME": home, "LINEAL_HOME": home / ".lineal", "DO_NOT_TRACK": "true"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    monkeypatch.setenv("LINEAL_USER", "Ada")
    # DVC's own folders, too; and this repository's cache is no place for what tests keep.
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "dvc" / name.lower()))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL of this test session; its URL without a database. Skips where there are no server binaries."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.running())
        except postgres.NoPostgres as reason:
            pytest.skip(str(reason))
        yield server


@pytest.fixture(scope="session")
def postgres_store(postgres_server: str) -> Iterator[str]:
    """The name of a database that holds a store without records: to copy it takes less than to make one."""
    with postgres.database(postgres_server, "store") as url:
        Store(url)
        engine_of(url).dispose()
        yield "store"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A new, empty database on a real PostgreSQL."""
    with postgres.database(postgres_server, f"test_{uuid4().hex}") as url:
        yield url
        engine_of(url).dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store may be made: the test runs once on each database that a store can be in."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/lineal.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store in which nothing is recorded, on each database that it can be in; on SQLite it is made at first use."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/lineal.db"
        return
    server, template = (request.getfixturevalue(name) for name in ("postgres_server", "postgres_store"))
    with postgres.database(server, f"test_{uuid4().hex}", template) as url:
        yield url
        engine_of(url).dispose()


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server of this test session; its API's URL. Tests that use it are in the xdist group `prefect`."""
    from lineal.orchestration.server import embedded_server, quiet_environment

    home = tmp_path_factory.mktemp("prefect")
    before = dict(os.environ)
    os.environ |= {"PREFECT_HOME": str(home), "LINEAL_HOME": str(home / ".lineal")}
    os.environ.pop("PREFECT_API_URL", None)
    quiet_environment()
    try:
        with embedded_server() as api:
            api.wait_ready()
            yield api.url
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def check_events() -> Callable[[str], None]:
    """Check an event log with the official schemas and run-cycle rules; skips where they are not at hand."""
    tool = SHARED / "tools" / "check_events.py"
    if not tool.exists():
        pytest.skip(f"the OpenLineage schemas and their checker are not at {SHARED}")

    def check(ndjson: str) -> None:
        done = subprocess.run(
            [sys.executable, tool, "-"], input=ndjson, capture_output=True, text=True, check=False, timeout=120
        )
        assert "errors=0 warnings=0" in done.stdout, done.stdout + done.stderr

    return check
