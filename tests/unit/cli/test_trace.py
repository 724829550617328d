"""`lineal trace`: how a descent is drawn."""

import importlib.util
import sys

import pytest

from lineal.models import environment
from tests.parts.git import commit_all, git
from tests.parts.made_up import step, table

TRACED = "from lineal import traced\n\n\n@traced\ndef nightly():\n    pass\n"


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("committed", "flows/mine.py at {}"),
        ("added", "flows/mine.py is not in git, where the project is at {} with uncommitted changes"),
        ("untracked", "nightly is not in git, where the project is at {}"),
        ("ignored", "nightly is not in git, where the project is at {}"),
    ],
)
def test_code_is_of_the_commit_only_where_that_has_it(kept, said, run, lineage, tmp_path, monkeypatch):
    (tmp_path / ".gitignore").write_text("other.py\n" if kept != "ignored" else "mine.py\n")
    commit = commit_all(tmp_path)
    file = tmp_path / "flows" / "mine.py"
    file.parent.mkdir()
    file.write_text(TRACED)
    if kept == "added":
        git(tmp_path, "add", "flows/mine.py")
    elif kept == "committed":
        commit = commit_all(tmp_path)
    monkeypatch.chdir(tmp_path)
    environment._environment.cache_clear()
    environment.difference.cache_clear()
    spec = importlib.util.spec_from_file_location(f"mine_{kept}", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    module.nightly()
    (event, *_) = lineage.events()
    status, out, _ = run("trace", f"run:{event['run']['runId']}")
    assert status == 0
    (line,) = [line for line in out.splitlines() if line.strip().startswith("code ")]
    assert line.split(maxsplit=1)[1].strip() == said.format(commit[:12])


def test_what_was_made_of_a_copy_of_itself_is_led_back_to_where_it_first_came_from(run, lineage):
    step(table("raw"), makes=[("snapshot", "a")])
    step(table("snapshot", "a"), makes=[("copy", "a")])
    step(table("copy", "a"), makes=[("snapshot", "a")])
    step(table("snapshot", "a"), makes=[("train", "1")])
    status, out, _ = run("trace", "dataset:train@1")
    assert status == 0
    drawn = [line.strip("│├└─ ").split("@")[0].removeprefix("s3://lake/") for line in out.splitlines() if "@" in line]
    assert drawn[1:6] == ["train", "snapshot", "copy", "snapshot", "raw"]
