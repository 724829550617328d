"""`lineal discover` and `lineal search`, as a user sees them."""

import json
import re

import pytest

from lineal import Dataset, current_run, traced


@traced
def trial(test: Dataset, depth: int, leaves: int):
    current_run().parameters({"depth": depth, "leaves": leaves})
    current_run().metrics({"accuracy": 0.7 + 0.1 * depth + leaves / 1000, "log_loss": 0.1 * depth}, of="held-out")


@pytest.fixture
def recorded(lineage):
    for leaves in range(12):
        for depth in (1, 2):
            trial(Dataset("s3://lake/test", version="1"), depth, leaves)
    return lineage


def test_discover_prints_what_is_borne_out_with_a_command_that_shows_it(recorded, run):
    status, out, _ = run("discover")
    assert status == 0
    assert out.startswith("trial  24 runs, 24 with accuracy (held-out)")
    assert "depth 1 → 2: +0.1 in the median of 12 pairs (12 up, 0 down; sign test p 0.0" in out
    assert "moved the metric" in out
    command = next(line for line in out.splitlines() if "lineal diff run:" in line)
    first = command.split()[2].removeprefix("run:")
    assert first in {event["run"]["runId"] for event in recorded.events()}


def test_discover_as_json(recorded, run):
    status, out, _ = run("discover", "--json", "--metric", "log_loss")
    (lesson,) = json.loads(out)["lessons"]
    assert (status, lesson["metric"]) == (0, "log_loss")
    assert lesson["best"][0]["best"]["metrics"][0][1] == pytest.approx(0.1)


def test_discover_draws_pictures(recorded, run, tmp_path):
    status, _, _ = run("discover", "--plot", str(tmp_path / "pictures"))
    assert status == 0
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert {"trial-accuracy-depth.png", "trial-accuracy-depth.svg", "trial-accuracy-front-1.svg"} <= names


def test_pictures_where_no_folder_can_be(recorded, run, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, said = run("discover", "--plot", str(tmp_path / "file" / "pictures"))
    assert status == 2
    assert "pictures cannot be written" in said


def test_few_runs_say_so(lineage, run):
    trial(Dataset("s3://lake/test", version="1"), 1, 1)
    status, out, _ = run("discover")
    assert status == 0
    assert "which factors move accuracy: 1 run cannot tell; about" in out


def test_a_pipeline_without_a_metric(lineage, run):
    @traced
    def silent():
        pass

    silent()
    status, out, _ = run("discover", "--pipeline", "silent")
    assert (status, out) == (0, "silent  1 run, none with a metric\n")
    status, out, _ = run("discover")
    assert status == 0
    assert out.startswith("no run on record has a metric yet")


def test_nothing_recorded(tmp_path, monkeypatch, run):
    monkeypatch.setenv("LINEAL_STORE", f"sqlite:///{tmp_path}/none.db")
    for words in (("discover",), ("search", "x")):
        status, _, said = run(*words)
        assert status == 2
        assert "nothing is recorded here yet" in said


def test_search_says_what_each_hit_is_and_the_command_that_shows_it(recorded, run):
    status, out, _ = run("search", "leaves", "11", "--limit", "1")
    assert status == 0
    head, found, command, _, more = out.splitlines()
    assert re.fullmatch(r"run of trial  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", head)
    assert found == "  parameter  leaves=11"
    assert command.strip().removeprefix("lineal trace run:") in {event["run"]["runId"] for event in recorded.events()}
    assert more == "there are more than these 1: --limit 2"
    status, out, _ = run("search", "nowhere", "--json")
    assert (status, json.loads(out)["hits"]) == (0, [])


def test_search_names_a_failed_run_and_who_noted_something(lineage, run):
    @traced
    def broken():
        raise ValueError("the ward has no beds")

    with pytest.raises(ValueError, match="no beds"):
        broken()

    @traced
    def note():
        said = {"action": "note", "subject": "model:m@1", "reason": "all beds were counted twice"}
        current_run().decisions([said], by="Ada")

    note()
    status, out, _ = run("search", "beds")
    assert status == 0
    assert "run of broken, failed  20" in out
    assert "\n  error  the ward has no beds\n" in out
    assert "note on model:m@1, by Ada  20" in out
    assert "\n  all beds were counted twice\n  lineal trace model:m@1\n" in out


def test_search_without_a_word(recorded, run):
    status, _, said = run("search")
    assert status == 2
    assert "has no word to search for" in said
