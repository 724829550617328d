"""The packs of the shipped pipelines' models, trained for real, are accepted by tools that are not ours."""

import base64
import json
import re
import shutil
import subprocess
import zipfile

import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2

from lineal import signing
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


@pytest.fixture(params=["breast_cancer", "wine", "penguins"])
def packed(request, lineal, project):
    """The model of a shipped pipeline, committed, trained, decided on and predicted with, and its pack unpacked."""
    (project / ".gitignore").write_text(".lineal\n")
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "As it is")):
        subprocess.run([*git, *words], cwd=project, check=True)
    assert lineal("run", project / "pipelines" / f"{request.param}.toml")[0] == 0
    name = request.param.replace("_", "-")
    assert lineal("note", f"model:{name}@1", "Looked at | with *care* <b>today</b>.")[0] == 0
    status, _, err = lineal("export", f"model:{name}@champion", "--to", project / "pack.zip")
    assert (status, err) == (0, "")
    with zipfile.ZipFile(project / "pack.zip") as archive:
        archive.extractall(project / "unpacked")
    return project / "unpacked"


def test_outside_tools_accept_the_pack(packed, project, lineal, check_events, tmp_path, monkeypatch):
    log = (packed / "events" / "events.ndjson").read_text()
    check_events(log)
    jobs = {json.loads(line)["job"]["name"] for line in log.removesuffix("\n").split("\n")}
    assert {"train", "train.ingest", "train.train", "train.evaluate", "train.register", "note"} <= jobs

    scripts = re.findall(r"^```python\n(.*?)^```", (packed / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(packed)
    said = [run_validator("python", "-c", script) for script in scripts]
    assert [each.returncode for each in said] == [0, 0], [each.stderr for each in said]
    assert re.search(r"(\d+) of \1 events are as they were signed", said[1].stdout)

    signed = ("--signature", packed / "model" / "model.sig", "--public_key", packed / "keys" / "models.pub")
    said = run_validator("model_signing", "verify", "key", packed / "model", *signed)
    assert (said.returncode, said.stdout) == (0, "Verification succeeded\n"), said.stderr

    for script, file in ((OSCAL, "oscal.json"), (SARIF, "audit.sarif")):
        said = run_validator("python", "-c", script, packed / "audit" / file)
        assert said.stdout.endswith("accepted\n"), said.stdout + said.stderr

    predicates = {"provenance": provenance_pb2.Provenance(), "audit": test_result_pb2.TestResult(), "passed": None}
    for name, form in predicates.items():
        envelope = json.loads((packed / "attestations" / f"{name}.dsse.json").read_text())
        statement = json.loads(base64.b64decode(envelope["payload"]))
        # What the forms do not know would be an error.
        ParseDict(statement, statement_pb2.Statement())
        if form is not None:
            ParseDict(statement["predicate"], form)
    provenance = json.loads(
        base64.b64decode(json.loads((packed / "attestations/provenance.dsse.json").read_text())["payload"])
    )
    dependencies = {each["name"]: each for each in provenance["predicate"]["buildDefinition"]["resolvedDependencies"]}
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
    assert dependencies["code"]["digest"] == {"gitCommit": head.stdout.strip()}
    assert dependencies["packages.txt"]["digest"]["sha256"]

    sender = shutil.copy(signing.folder() / "log.pub", tmp_path / "sender.pub")
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    status, out, _ = lineal("verify", project / "pack.zip", "--public-key", sender)
    assert status == 0, out
    assert "all holds" in out


def test_no_row_is_in_it_without_the_data_and_all_rows_with_it(lineal, project):
    import pandas as pd

    assert lineal("run", project / "pipelines" / "penguins.toml")[0] == 0
    for name, words in (("without", ()), ("with", ("--with-data",))):
        assert lineal("export", "model:penguins@1", "--to", project / f"{name}.zip", *words)[0] == 0
    with zipfile.ZipFile(project / "without.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("data/") or "example" in name]
    with zipfile.ZipFile(project / "with.zip") as archive:
        rows = {
            name: len(pd.read_parquet(archive.open(name))) for name in archive.namelist() if name.startswith("data/")
        }
        assert "model/input_example.json" in archive.namelist()
    sizes = {name.partition("@")[0]: count for name, count in rows.items()}
    assert sizes.keys() == {"data/penguins.snapshot", "data/penguins.train", "data/penguins.test"}
    assert sizes["data/penguins.snapshot"] == sizes["data/penguins.train"] + sizes["data/penguins.test"]
    assert lineal("verify", project / "with.zip")[0] == 0
