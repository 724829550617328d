"""A model whose descent is on record and whose files are kept and signed, and ways to open and spoil its pack."""

import json
import shutil
import zipfile
from datetime import UTC, datetime

import pytest

from lineal import settings, signing
from lineal.cli.app import main
from lineal.models import signature
from lineal.packs.exporting import export
from lineal.subjects import Subject
from lineal.testing import recording
from tests.parts import audited
from tests.parts.project import copy_database

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ROWS = '{"columns": ["x"], "data": [[4711]]}'


@pytest.fixture
def lineage(tmp_path):
    """The lineage that the test records, on SQLite: what differs between databases has a test of its own."""
    with recording(tmp_path) as recorded:
        yield recorded


@pytest.fixture
def run(capsys):
    """The command, in this process."""

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where a module's first test keeps what it made, of which the others have copies."""
    return tmp_path_factory.mktemp("kept")


def files_of_model():
    return settings.home() / "mlartifacts" / "demo" / "models" / "m-1" / "artifacts"


def put_on_record():
    """Train `model:demo@1`, keep its files as the embedded MLflow does, decide on it, and have it predict."""
    folder = files_of_model()
    folder.mkdir(parents=True)
    (folder / "model.skops").write_bytes(b"a model")
    (folder / "MLmodel").write_text("flavors: {}\n")
    for name in ("input_example.json", "serving_input_example.json"):
        (folder / name).write_text(ROWS)
    signature.sign(folder, audited.digest("model1"), signing.key_for("models"))
    made = audited.train(audited.Plan(model_id="m-1"))
    audited.decide(made, "Grace", {"action": "approve"})
    audited.score(made, audited.table("batch", "", ("x", "z"), 3))


@pytest.fixture
def on_record(kept, own_home, tmp_path):
    """A store with the model on record, and this test's home as who trained it has it."""
    if not (kept / "lineage.db").exists():
        with recording(url=f"sqlite:///{tmp_path}/first.db"):
            put_on_record()
            settings.home().rename(kept / "home")
        copy_database(tmp_path / "first.db", kept / "lineage.db")
    shutil.copytree(kept / "home", settings.home())
    return kept / "lineage.db"


@pytest.fixture
def model_files(on_record):
    """A model's files as the embedded MLflow keeps them, an example of rows among them, signed as Lineal signs."""
    return files_of_model()


@pytest.fixture
def model(lineage, on_record, tmp_path):
    """A registered model on record, `model:demo@1`, which two people looked at and which has predicted."""
    shutil.copy(on_record, tmp_path)


@pytest.fixture
def packed(lineage, model, tmp_path):
    """Write the model's pack; gives its file."""

    def call(name="pack.zip", **options):
        return write_pack(lineage, tmp_path / name, **options)

    return call


def write_pack(lineage, file, **options):
    """Write the pack of `model:demo@1`; gives its file."""
    export(lineage.store, Subject("model", "demo", "1"), file, **{"now": NOW} | options)
    return file


@pytest.fixture
def pack(packed):
    """The model's pack."""
    return packed()


def contents(file):
    """The files of a pack, by path."""
    with zipfile.ZipFile(file) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def put(file, files):
    """Write a pack anew, as anybody could."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def manifest(file):
    return json.loads(contents(file)["manifest.json"])
