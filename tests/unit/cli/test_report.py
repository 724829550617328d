"""`lineal report`, as a user sees it."""

import json

import pytest

from tests.parts import audited


@pytest.fixture
def recorded(lineage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    audited.train(audited.Plan())
    return lineage


def test_a_page_is_written(run, recorded, tmp_path):
    status, out, err = run("report", "model:demo@champion", "--to", "page.html")
    assert (status, err) == (0, "")
    size = (tmp_path / "page.html").stat().st_size
    assert out.splitlines()[0] == f"page.html  {size / 1000:,.0f} kB about model:demo@1"
    assert "<title>demo, version 1 · Lineal report</title>" in (tmp_path / "page.html").read_text()
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".html" or "page" in file.name] == ["page.html"]


def test_what_was_written_as_json(run, recorded, tmp_path):
    run_id = recorded.event("train.split")["run"]["runId"]
    asked = ("model:demo", f"run:{run_id}", "dataset:demo.train", "model:demo@1")
    status, out, _ = run("report", *asked, "--to", "p.html", "--title", "For the board", "--policy", "house", "--json")
    written = json.loads(out)
    assert (status, written["size"]) == (0, (tmp_path / "p.html").stat().st_size)
    version = audited.table("train", "", (), 0).version
    assert written["subjects"] == ["model:demo@1", f"run:{run_id}", f"dataset:demo.train@{version}"]
    text = (tmp_path / "p.html").read_text()
    assert "<title>For the board · Lineal report</title>" in text
    assert "EU AI Act, high-risk" not in text


def test_a_file_that_is_there_stays_unless_forced(run, recorded, tmp_path):
    file = tmp_path / "page.html"
    file.write_text("mine")
    status, out, err = run("report", "model:demo", "--to", file)
    assert (status, out) == (2, "")
    assert err == f"lineal: {file} is there already; name another file, or replace it with --force\n"
    assert file.read_text() == "mine"
    assert run("report", "model:demo", "--to", file, "--force")[0] == 0
    assert "Lineal report" in file.read_text()


def test_a_link_that_leads_nowhere_is_there_as_well(run, recorded, tmp_path):
    (tmp_path / "page.html").symlink_to(tmp_path / "elsewhere")
    status, _, err = run("report", "model:demo", "--to", "page.html")
    assert (status, "is there already" in err) == (2, True)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model:demo", "--to", "no/such/page.html"), "there is no folder"),
        (("model:demo", "--to", "."), ". is a folder; name a file in it"),
        (("model:demo", "--to", "p.pdf"), "the ending of p.pdf does not say what to write; name it *.html or *.htm"),
        (("model:demo", "--to", "page"), "the ending of page does not say what to write; name it *.html or *.htm"),
        (("model:demo", "--to", "/proc/page.html"), "/proc/page.html cannot be written: "),
        (("model:none", "--to", "p.html"), "no model 'none' is on record"),
        (("model:demo@7", "--to", "p.html"), "has no version or alias '7'"),
        (("model:demo", "prediction:nope", "--to", "p.html"), "prediction:nope"),
        (("record:demo/1", "--to", "p.html"), "cannot be asked about here; write one of model:"),
        (("file:a.csv", "--to", "p.html"), "cannot be asked about here; write one of model:"),
        (("model:demo", "--to", "p.html", "--policy", "none"), "none"),
        (("--to", "p.html"), "SUBJECT"),
        (("model:demo",), "--to"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, recorded, tmp_path, words, said):
    status, out, err = run("report", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not [each for each in tmp_path.iterdir() if each.suffix == ".html" or each.name in ("p.pdf", "page")]


def test_nothing_recorded(run, lineage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("report", "model:demo", "--to", "p.html")
    assert (status, err.count("\n")) == (2, 1)
