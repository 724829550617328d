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
    lines = out.splitlines()
    assert lines[:2] == [
        "trial  24 runs, 24 with accuracy on held-out rows",
        "can be told: what single changes did, what moves accuracy, which run is best",
    ]
    # The plain sentence first, and below it what it rests on.
    place = lines.index(
        "  depth from 1 to 2 raised accuracy by 0.1000, which is better: so it was in 12 of 12 pairs of runs that "
        "differ in nothing else"
    )
    assert lines[place + 1].startswith("    median +0.1, 12 up, 0 down; sign test, corrected p 0.0")
    assert lines[place + 1].endswith("; n 12 pairs")
    assert lines[place + 2].startswith("    lineal diff run:")
    moved = lines.index("moved the metric") + 1
    assert re.fullmatch(
        r"  depth moves accuracy: in the median it is 0\.\d+ with 1 and 0\.\d+ with 2(; .*)?", lines[moved]
    )
    assert "95 % interval [" in lines[moved + 1]
    assert "corrected p < 0.0001" in lines[moved + 1]
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


def test_few_runs_say_what_they_cannot_tell_and_how_many_more_would(lineage, run):
    trial(Dataset("s3://lake/test", version="1"), 1, 1)
    status, out, _ = run("discover")
    assert status == 0
    assert "can be told" not in out
    assert "\nnot yet: what moves accuracy, how much of it is chance\n" in out
    assert (
        "  which settings move accuracy: 1 run is too few; about 19 more, with other values, begin to show what "
        "matters most; about "
    ) in out
    assert "    n 1, of fewer than 20 chance ranks above what matters; " in out
    assert "chance alone: 4 more runs with another seed and all else alike would tell" in out
    # A traced flow has no file that a command could run again.
    assert "lineal run" not in out


def test_a_change_in_few_pairs_says_what_it_did_and_how_many_more_pairs_would_tell(lineage, run):
    for leaves in (1, 2, 3):
        for depth in (1, 2):
            trial(Dataset("s3://lake/test", version="1"), depth, leaves)
    status, out, _ = run("discover")
    assert status == 0
    assert (
        "  whether depth from 1 to 2 raises accuracy: it did by 0.1000 in the median of 3 pairs of runs that differ in "
        "nothing else; 3 more pairs would tell, both runs of a pair with one seed\n"
        "    median +0.1, 3 up, 0 down; n 3, a sign test needs 6\n"
        "    lineal diff run:"
    ) in out
    assert "0.9030 is the best of 6 runs on the same held-out rows; the next is 0.0010 behind" in out


@traced
def pipelined(test: Dataset, file: str, depth, seed: int):
    """What the flow of a pipeline file records of it."""
    current_run().tag("pipeline", "small")
    current_run().parameters(
        {"model.params.depth": depth, "split.seed": seed, "drift.psi": 0.2, "pipeline.file": file}
        | {"pipeline.digest": f"{depth}{seed}"}
    )
    current_run().metrics({"accuracy": 0.7 if depth == 1 else 0.8}, of="held-out")


def test_what_would_tell_can_be_run_as_it_stands(lineage, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = str(tmp_path / "my pipelines" / "small.toml")
    for depth, seed in ((1, 7), (2, 7), (2, 8)):
        pipelined(Dataset("s3://lake/test", version="1"), file, depth, seed)
    status, out, _ = run("discover")
    assert status == 0
    again = "lineal run 'my pipelines/small.toml' --set"
    assert f"    {again} split.seed=9\n" in out
    assert f"    {again} model.params.depth=1 --set split.seed=9\n" in out
    assert f"    {again} model.params.depth=2 --set split.seed=9\n" in out
    assert out.endswith(f"\n\nnext: {again} split.seed=9\n")
    assert "0.8000 is the best of 3 runs on the same held-out rows, which 2 of them reach" in out
    # What is asked of a model afterwards was never a try.
    assert "drift" not in out


@pytest.mark.parametrize(
    ("spread", "noise", "best"),
    [
        (
            0.0,
            "  another seed alone, all else alike, has not changed accuracy at all so far\n",
            "while another seed alone",
        ),
        (
            0.004,
            "  chance alone, another seed and all else alike, moves accuracy by about ± 0.0",
            "which chance alone may",
        ),
    ],
)
def test_what_chance_makes_is_said_of_the_best(lineage, run, spread, noise, best):
    @traced
    def seeded(test: Dataset, seed: int, depth: int):
        current_run().parameters({"seed": seed, "depth": depth})
        current_run().metrics({"accuracy": 0.8 + spread * (seed % 2) - 0.001 * depth}, of="held-out")

    for seed in range(5):
        seeded(Dataset("s3://lake/test", version="1"), seed, 1)
    seeded(Dataset("s3://lake/test", version="1"), 0, 2)
    status, out, _ = run("discover")
    assert status == 0
    assert noise in out
    assert best in out


def test_values_that_no_command_can_set_are_in_none(lineage, run):
    for depth in (None, 2):
        pipelined(Dataset("s3://lake/test", version="1"), "small.toml", depth, 7)
    status, out, _ = run("discover")
    assert status == 0
    assert "depth from 2 to None" in out or "depth from None to 2" in out
    assert "depth=" not in out.replace("depth=VALUE", "")


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
