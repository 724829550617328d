"""The documentation says what is so: examples run, reference pages are up to date, every command stands in it."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lineal.cli.app import app
from lineal.pipeline import load
from tests.parts.consumer import consumer

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "deployments" / "README.md"]
COMMANDS = sorted(name for name in app if not name.startswith("-"))


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date():
    for name, text in generator().pages().items():
        assert (ROOT / "docs" / "reference" / name).read_text() == text, f"run python docs/generate.py for {name}"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_in_the_readme_and_says_what_it_does(command, capsys):
    assert f"`lineal {command}" in (ROOT / "README.md").read_text()
    app([command, "--help"], result_action="return_value")
    assert len(capsys.readouterr().out.split("\n\n")[1].split()) > 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_shown_are_commands_there_are(page):
    for words in re.findall(r"^\$ lineal (\S+)", page.read_text(), re.MULTILINE):
        assert words in COMMANDS


def test_the_readmes_pipeline_file_is_a_valid_one(tmp_path):
    (text,) = blocks(ROOT / "README.md", "toml")
    assert tomllib.loads(text)["name"] == "churn"
    (tmp_path / "churn.toml").write_text(text)
    assert load(tmp_path / "churn.toml").register_.alias == "champion"


def test_the_how_to_on_tracing_runs(tmp_path, monkeypatch, lineage):
    flow, test = blocks(ROOT / "docs" / "how-to" / "trace-a-flow.md", "python")
    names = {}
    exec(flow, names)  # noqa: S102 - our own page
    exec(test, names)  # noqa: S102
    names["test_clean"](lineage, tmp_path, monkeypatch)
    assert lineage.event("clean")["run"]["facets"]["lineal_metrics"]["metrics"][0]["value"] == 1


@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_the_tutorial_does_what_it_says(tmp_path, monkeypatch, prefect_api, lineage, check_events):
    (code,) = blocks(ROOT / "docs" / "tutorial" / "a-flow-that-can-be-traced.md", "python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    Path("prices.py").write_text(code)

    def run(*command):
        return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))

    done = run(sys.executable, "prices.py")
    assert done.returncode == 0, done.stderr
    lineal = (sys.executable, "-c", "import sys; from lineal.cli.app import main; main(sys.argv[1:])")
    Path("worth.csv").rename("moved.csv")
    traced = run(*lineal, "trace", "file:moved.csv").stdout
    for name in ("clean.csv", "stock.csv", "prices.csv", "daily.join"):
        assert name in traced, traced
    ran = lineage.event("daily")["run"]["runId"]
    for task in ("daily.clean", "daily.join"):
        assert lineage.event(task)["run"]["facets"]["parent"]["run"]["runId"] == ran
    Path("prices.py").write_text(code.replace('on="item"', 'onn="item"'))
    assert run(sys.executable, "prices.py").returncode == 1
    failed = lineage.event("daily.join", "FAIL")["run"]["facets"]["errorMessage"]
    assert "onn" in failed["message"]
    assert "prices.py" in failed["stackTrace"]
    with consumer() as server:
        monkeypatch.delenv("OPENLINEAGE_DISABLED")
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        Path("prices.py").write_text(code)
        assert run(sys.executable, "prices.py").returncode == 0
        assert run(*lineal, "deliver").returncode == 0
        assert server.events == lineage.events()
    check_events(lineage.ndjson())
