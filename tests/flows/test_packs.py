"""The packs of the shipped pipelines' models, trained for real, are accepted by tools that are not ours."""

import base64
import json
import re
import shutil
import subprocess
import sys
import zipfile

import pandas as pd
import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2

from tests.parts.validators import run_validator

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

OSCAL = """
import sys
from pathlib import Path
from trestle.oscal.assessment_results import AssessmentResults
made = AssessmentResults.oscal_read(Path(sys.argv[1]))
assert made is not None and made.results, made
import oscal
found = oscal.AssessmentResults.open(sys.argv[1])
assert found.is_valid, found
print("accepted")
"""
SARIF = """
import sys
from pathlib import Path
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif
Sarif.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
print("accepted")
"""


def statement(packed, name):
    envelope = json.loads((packed.folder / "attestations" / f"{name}.dsse.json").read_text())
    return json.loads(base64.b64decode(envelope["payload"]))


def test_the_events_are_those_of_the_whole_descent(packed, check_events):
    log = (packed.folder / "events" / "events.ndjson").read_text()
    check_events(log)
    jobs = {json.loads(line)["job"]["name"] for line in log.removesuffix("\n").split("\n")}
    assert {"train", "train.ingest", "train.train", "train.evaluate", "train.register", "note"} <= jobs
    proved = json.loads((packed.folder / "events" / "proofs.json").read_text())["events"]
    assert len(proved) == log.count("\n")


def test_the_readmes_scripts_accept_it_without_lineal(packed, monkeypatch):
    scripts = re.findall(r"^```python\n(.*?)^```", (packed.folder / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(packed.folder)
    said = [run_validator("python", "-c", script) for script in scripts]
    assert [each.returncode for each in said] == [0, 0], [each.stderr for each in said]
    assert said[0].stdout.count("signed") == 5
    assert re.search(r"(\d+) of \1 events are as they were signed", said[1].stdout)


def test_model_signing_accepts_the_model_and_not_another(packed, tmp_path):
    def check(folder):
        key = packed.folder / "keys" / "models.pub"
        words = ("verify", "key", folder, "--signature", folder / "model.sig", "--public_key", key)
        return run_validator("model_signing", *words)

    said = check(packed.folder / "model")
    assert (said.returncode, said.stdout) == (0, "Verification succeeded\n"), said.stderr
    other = shutil.copytree(packed.folder / "model", tmp_path / "model")
    (other / "requirements.txt").write_text("something-else\n")
    assert "Signature mismatch" in check(other).stderr


@pytest.mark.parametrize(("script", "file", "wrong"), [(OSCAL, "oscal.json", "state"), (SARIF, "audit.sarif", "kind")])
def test_tools_for_audits_accept_the_audit(packed, tmp_path, script, file, wrong):
    said = run_validator("python", "-c", script, packed.folder / "audit" / file)
    assert said.stdout.endswith("accepted\n"), said.stdout + said.stderr
    text = (packed.folder / "audit" / file).read_text()
    spoiled = tmp_path / file
    spoiled.write_text(re.sub(rf'"{wrong}": "[^"]+"', f'"{wrong}": "splendid"', text, count=1))
    assert run_validator("python", "-c", script, spoiled).returncode != 0


def test_in_totos_own_forms_accept_the_statements(packed):
    predicates = {"provenance": provenance_pb2.Provenance(), "audit": test_result_pb2.TestResult(), "passed": None}
    for name, form in predicates.items():
        # What the forms do not know would be an error.
        ParseDict(statement(packed, name), statement_pb2.Statement())
        if form is not None:
            ParseDict(statement(packed, name)["predicate"], form)


def test_the_provenance_names_commit_data_and_packages(packed):
    definition = statement(packed, "provenance")["predicate"]["buildDefinition"]
    dependencies = {each["name"]: each for each in definition["resolvedDependencies"]}
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=packed.project, capture_output=True, text=True, check=True)
    assert dependencies["code"]["digest"] == {"gitCommit": head.stdout.strip()}
    listed = {
        each["path"]: each["sha256"] for each in json.loads((packed.folder / "manifest.json").read_text())["files"]
    }
    assert dependencies["packages.txt"]["digest"]["sha256"] == listed["code/packages.txt"]
    train = next(each for name, each in dependencies.items() if name.startswith(f"dataset:{packed.name}.train@"))
    assert set(train["digest"]) == {"md5", "sha256"}


AGAIN = """
import hashlib, sys
from datetime import UTC, datetime
from pathlib import Path
from lineal.packs.exporting import export
from lineal.questions.audit import chosen
from lineal.store.log import Store
from lineal.subjects import Subject
subject, file = Subject.parse(sys.argv[1]), Path(sys.argv[2])
house = chosen(("house",))  # another policy sees that a pack was handed out before
print(export(Store(create=False), subject, file, policies=house, now=datetime(2026, 11, 25, tzinfo=UTC)).sha256)
"""


def test_the_same_record_and_time_give_the_same_bytes(packed, tmp_path):
    def again(seed):
        variables = {**packed.variables, "PYTHONHASHSEED": seed}
        words = (sys.executable, "-c", AGAIN, f"model:{packed.name}@1", tmp_path / f"{seed}.zip")
        return subprocess.check_output(words, cwd=packed.project, env=variables, text=True)

    assert again("1") == again("2")


def test_it_holds_on_another_machine(packed, lineal, tmp_path, monkeypatch):
    sender = shutil.copy(packed.project / ".lineal" / "keys" / "log.pub", tmp_path / "sender.pub")
    status, out, _ = lineal("verify", packed.file, "--public-key", sender)
    assert status == 0, out
    assert "all holds" in out
    status, out, _ = lineal("verify", packed.file)
    assert status == 1
    assert "not trusted" in out


@pytest.mark.parametrize("width", [1280, 390])
def test_the_index_reads_well_without_a_network(packed, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    address = (packed.folder / "index.html").as_uri()
    page.goto(address)
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "Looked at | with *care* <b>today</b>." in page.inner_text("body")
    links = page.eval_on_selector_all("a[href]", "all => all.map(each => each.getAttribute('href'))")
    beside = {link.removeprefix("./") for link in links if not link.startswith("#")}
    assert {"events/events.ndjson", "README.md", "audit/oscal.json"} <= beside
    page.goto(f"{address.removesuffix('index.html')}events/proofs.json")
    page.close()


def test_no_row_is_in_it_without_the_data_and_all_rows_with_it(packed, tmp_path):
    with zipfile.ZipFile(packed.file) as archive:
        assert not [name for name in archive.namelist() if name.startswith("data/") or "example" in name]
    file = tmp_path / "with.zip"
    packed.lineal("export", f"model:{packed.name}@1", "--to", file, "--with-data")
    with zipfile.ZipFile(file) as archive:
        found = [name for name in archive.namelist() if name.startswith("data/")]
        rows = {name.partition("@")[0].rpartition(".")[2]: len(pd.read_parquet(archive.open(name))) for name in found}
        assert "model/input_example.json" in archive.namelist()
    assert rows.keys() == {"snapshot", "train", "test"}
    assert rows["snapshot"] == rows["train"] + rows["test"]
    assert "all holds" in packed.lineal("verify", file)
