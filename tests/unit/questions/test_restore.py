"""lineal restore: a version's bytes, back and checked; nothing is replaced unasked."""

import hashlib
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from lineal import Dataset, traced
from lineal.cli.app import main
from lineal.datasets import pushing, versioning
from lineal.datasets.table import write_table
from lineal.store.log import Store

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", None, 'y "z"']})


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "prefect.yaml").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LINEAL_HOME", str(folder / ".lineal"))
    versioning.set_up()
    config = f"['remote \"backup\"']\n    url = {tmp_path / 'remote'}\n[core]\n    no_scm = True\n    remote = backup\n"
    (folder / ".dvc" / "config").write_text(config)
    (folder / "source.csv").write_text("a,b\n1,x\n")
    return folder


@pytest.fixture
def made(project):
    """A version that a run has made of a source, pushed to a remote."""

    @traced
    def make(source: Dataset) -> Dataset:
        return write_table(TABLE, "t.train")

    dataset = make(Dataset("source.csv"))
    pushing.push([dataset.version])
    return dataset


@pytest.fixture
def restore(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(["restore", *(str(word) for word in words)])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_the_very_bytes_come_back_from_the_cache(made, restore, project):
    data = Path(made.uri).read_bytes()
    status, out, _ = restore("dataset:t.train", "--to", "back.parquet")
    assert status == 0
    assert (project / "back.parquet").read_bytes() == data
    assert f"t.train@{made.version[:12]} is there: 3 rows, {len(data):,} bytes" in out
    for line in ("from     the DVC cache", "checked  MD5 and SHA-256 as recorded", "lies at  back.parquet"):
        assert line in out
    assert [file.name for file in project.iterdir() if "back" in file.name] == ["back.parquet"]


def test_from_the_remote_where_the_cache_lacks_them(made, restore):
    Path(made.uri).unlink()
    status, out, _ = restore(f"dataset:t.train@{made.version[:6]}", "--json")
    answer = json.loads(out)
    assert status == 0
    assert (answer["origin"], answer["remote"], answer["path"]) == ("remote", "backup", made.location)
    assert (answer["version"], answer["sha256"], answer["rows"]) == (made.version, made.sha256, 3)


def test_as_csv_by_the_ending(made, restore):
    assert restore("dataset:t.train", "--to", "back.csv")[0] == 0
    read = pa_csv.read_csv("back.csv", convert_options=pa_csv.ConvertOptions(strings_can_be_null=True))
    assert read.to_pylist() == TABLE.to_pylist()


def test_into_a_folder_under_its_name(made, restore, project):
    (project / "there").mkdir()
    assert restore("dataset:t.train", "--to", "there")[0] == 0
    assert pq.read_table(project / "there" / "t.train.parquet").equals(TABLE)


def test_nothing_is_replaced_unasked(made, restore, project):
    (project / "mine.csv").write_text("precious")
    status, out, err = restore("dataset:t.train", "--to", "mine.csv")
    assert (status, out) == (2, "")
    assert err == f"lineal: {project}/mine.csv is there already; name another file, or replace it with --force\n"
    assert (project / "mine.csv").read_text() == "precious"
    assert restore("dataset:t.train", "--to", "mine.csv", "--force")[0] == 0
    assert (project / "mine.csv").read_text().startswith('"a","b"')


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("back.xlsx", "the ending of {project}/back.xlsx does not say what to write; name it *.parquet, *.pq or *.csv"),
        ("no/such/back.csv", "there is no folder {project}/no/such to write back.csv to; make it first"),
    ],
)
def test_what_cannot_be_written_is_told(made, restore, project, to, message):
    status, _, err = restore("dataset:t.train", "--to", to)
    assert status == 2
    assert err == f"lineal: {message.format(project=project)}\n"


@pytest.mark.parametrize("to", [(), ("--to", "back.parquet"), ("--to", "back.csv")])
def test_an_altered_file_is_refused_or_fetched_anew(made, restore, project, tmp_path, to):
    path = Path(made.uri)
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-1] + b"x")
    assert restore("dataset:t.train", *to, "--json")[0] == 0
    assert path.read_bytes() == data
    path.chmod(0o644)
    path.write_bytes(data[:-1] + b"x")
    (tmp_path / "remote").rename(tmp_path / "away")
    status, _, err = restore("dataset:t.train", *to, "--force")
    assert status == 2
    assert f"the file {path} no longer holds version {made.version[:12]}: it was altered, and " in err
    assert len(err.splitlines()) == 1


def test_bytes_that_are_nowhere_are_told(made, restore, tmp_path):
    Path(made.uri).unlink()
    (tmp_path / "remote").rename(tmp_path / "away")
    status, _, err = restore("dataset:t.train", "--to", "back.parquet")
    assert status == 2
    assert err.startswith(
        f"lineal: dataset:t.train@{made.version}: the bytes of version {made.version[:12]} are not in "
    )
    assert "and the DVC remote backup (" in err
    assert not Path("back.parquet").exists()


def test_forged_bytes_of_the_same_md5_are_refused(project, restore):
    """Two files of one MD5 can be made; the SHA-256 on record tells them apart."""

    @traced
    def make() -> Dataset:
        made = write_table(TABLE, "t.train")
        return made.but(sha256=hashlib.sha256(b"the true bytes").hexdigest())

    make()
    status, _, err = restore("dataset:t.train", "--to", "back.parquet")
    assert status == 2
    assert "its bytes have the recorded MD5 and another SHA-256 than was recorded, so they were forged" in err
    assert not Path("back.parquet").exists()


def test_of_a_source_only_the_hash_was_kept(made, restore):
    status, _, err = restore("dataset:source.csv")
    assert status == 2
    assert "of a source only the hash was kept, not its bytes; restore the snapshot that was made from it" in err


def test_what_is_not_on_record_is_told(made, restore):
    assert (
        restore("dataset:t.trian")[2]
        == "lineal: dataset:t.trian: no dataset 't.trian' is on record; did you mean t.train?\n"
    )
    assert "write one of dataset:NAME@VERSION" in restore("run:x")[2]


@pytest.mark.parametrize("way", ["hardlink", "symlink", "reflink", "copy"])
def test_links_are_made_where_dvc_is_told_to_make_them(made, restore, project, way, monkeypatch):
    monkeypatch.setattr("lineal.datasets.versioning.linking._LEAST_REFLINK", 0)
    with (project / ".dvc" / "config").open("a") as config:
        config.write(f"[cache]\n    type = {way}\n")
    kept = Path(made.uri).read_bytes()
    assert restore("dataset:t.train", "--to", "back.parquet")[0] == 0
    back = project / "back.parquet"
    assert back.read_bytes() == kept
    assert (back.is_symlink(), back.samefile(made.uri)) == (way == "symlink", way in ("hardlink", "symlink"))
    # What the user writes over a link goes to their file, not into the cache.
    assert restore("dataset:t.train", "--to", "back.parquet")[0] == 2
    (project / "own.csv").write_text("mine\n")
    back.unlink()
    back.symlink_to(project / "own.csv")
    assert restore("dataset:t.train", "--to", "back.parquet", "--force")[0] == 0
    assert (project / "own.csv").read_text() == "mine\n"
    assert Path(made.uri).read_bytes() == kept


def test_on_another_disk_it_is_the_next_way_that_dvc_is_told(made, restore, project):
    other = Path("/dev/shm")  # noqa: S108
    if not other.is_dir() or other.stat().st_dev == Path(made.uri).stat().st_dev:
        pytest.skip("there is no other disk at hand")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        for number, (ways, link) in enumerate(
            [("hardlink,symlink", True), ("hardlink,copy", False), ("hardlink", False)]
        ):
            (project / ".dvc" / "config.local").write_text(f"[cache]\n    type = {ways}\n{'#' * number}\n")
            back = Path(folder) / f"{number}.parquet"
            assert restore("dataset:t.train", "--to", back)[0] == 0
            assert back.is_symlink() == link
            assert back.read_bytes() == Path(made.uri).read_bytes()


def test_without_dvc_the_cache_of_its_own_is_read(tmp_path, monkeypatch, restore):
    monkeypatch.chdir(tmp_path)

    @traced
    def make() -> Dataset:
        return write_table(TABLE, "t.train")

    made = make()
    assert restore("dataset:t.train", "--to", "back.parquet")[0] == 0
    Path(made.uri).unlink()
    status, _, err = restore("dataset:t.train")
    assert status == 2
    assert "are not in the cache" in err
    assert Store().events()
