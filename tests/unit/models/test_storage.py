from __future__ import annotations

import importlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from packaging.specifiers import SpecifierSet
from sklearn.base import BaseEstimator
from sklearn.cluster import Birch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

from lineal.errors import EstimatorError, StorageError, UntrustedModelError
from lineal.models import storage

ROWS = np.arange(20.0).reshape(10, 2)


class Own(BaseEstimator):
    """Somebody's own estimator."""

    def __init__(self, depth: int = 1) -> None:
        self.depth = depth


OWN = f"{Own.__module__}.Own"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def saved(folder: Path) -> Path:
    file = folder / "model.skops"
    storage.save(LinearRegression().fit(ROWS, ROWS[:, 0]), file)
    return file


def test_a_model_comes_back_as_it_was(folder: Path) -> None:
    forest = RandomForestClassifier(3, random_state=0).fit(ROWS, [0, 1] * 5)
    held = storage.save(forest, folder / "forest.skops")
    again = storage.load(folder / "forest.skops")
    assert held == ("sklearn.tree._tree.Tree",)
    assert type(again) is RandomForestClassifier
    assert again.predict_proba(ROWS).tolist() == forest.predict_proba(ROWS).tolist()


def test_saving_leaves_nothing_beside_the_file_and_replaces_what_was_there(saved: Path) -> None:
    storage.save(LinearRegression().fit(ROWS, ROWS[:, 1] * 3), saved)
    assert [entry.name for entry in saved.parent.iterdir()] == ["model.skops"]
    assert storage.load(saved).predict([[0.0, 1.0]])[0] == pytest.approx(3.0)
    (saved.parent / "plain").write_text("")
    assert saved.stat().st_mode == (saved.parent / "plain").stat().st_mode


# What is there with some versions of SciPy only, of those that the lock file has for one Python or another.
OF_SCIPY = {
    "scipy._lib.array_api_compat.numpy._aliases.asarray": SpecifierSet("<1.18"),
    "scipy.interpolate._bsplines._BSpline": SpecifierSet(">=1.18"),
}


def there_is(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError:
        return False


def test_each_trusted_name_is_one_that_there_is() -> None:
    assert OF_SCIPY.keys() <= storage.TRUSTED
    installed = version("scipy")
    expected = {name: name not in OF_SCIPY or installed in OF_SCIPY[name] for name in storage.TRUSTED}
    assert {name: there_is(name) for name in storage.TRUSTED} == expected


def test_a_class_of_the_users_own_is_saved_and_loaded_only_where_it_is_named(folder: Path) -> None:
    file = folder / "model.skops"
    with pytest.raises(UntrustedModelError) as caught:
        storage.save(Own(), file)
    assert caught.value.message == (
        f"the model cannot be saved to {file}: it holds {OWN}, which is not among the types that Lineal trusts; "
        "train it with another estimator"
    )
    assert not list(folder.iterdir())
    assert storage.save(Own(7), file, trusted=[OWN]) == (OWN,)
    assert storage.load(file, trusted=[OWN]).depth == 7
    with pytest.raises(UntrustedModelError, match=rf"^{file} is not loaded: it holds {OWN}, which is not among"):
        storage.load(file)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Birch(n_clusters=2).fit(ROWS), "type Birch are not supported"),
        (FunctionTransformer(lambda rows: rows), "lambda"),
    ],
)
def test_what_skops_cannot_save_is_told(model: Any, words: str, folder: Path) -> None:
    with pytest.raises(EstimatorError, match=words) as caught:
        storage.save(model, folder / "model.skops")
    assert str(folder / "model.skops") in caught.value.message
    assert not list(folder.iterdir())


def test_a_folder_that_is_not_there_and_a_full_disk_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StorageError, match=r"cannot be written to .*nowhere.*No such file or directory; free the disk"):
        storage.save(LinearRegression(), folder / "nowhere" / "model.skops")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(skops.io, "dump", full)
    with pytest.raises(StorageError, match=r"cannot be written to .*: No space left on device; free the disk"):
        storage.save(LinearRegression(), folder / "model.skops")
    assert not list(folder.iterdir())


# --- files that are not what they should be -----------------------------------------------------------------------


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-400])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def scribbled(file: Path) -> None:
    rewrite(file, lambda schema: schema.update(__loader__="SomethingElse"))


def without_schema(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("note.txt", "hello")


@pytest.mark.parametrize("damage", [cut, empty, scribbled, without_schema])
def test_a_damaged_file_is_told(saved: Path, damage: Callable[[Path], None]) -> None:
    damage(saved)
    with pytest.raises(EstimatorError) as caught:
        storage.load(saved)
    assert caught.value.message.startswith(f"{saved} is damaged or no skops model file (")
    assert caught.value.message.endswith("; restore it, or train the model again")


def test_a_file_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(EstimatorError, match=r"the model file .*gone.skops cannot be read: No such file or directory"):
        storage.load(folder / "gone.skops")


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def test_the_bomb_is_live(folder: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(folder / "mark")))  # noqa: S301 - to see that the tests below could fail
    assert (folder / "mark").exists()


def test_a_pickle_under_our_name_is_not_run(folder: Path) -> None:
    file = folder / "model.skops"
    file.write_bytes(pickle.dumps(Bomb(folder / "mark")))
    with pytest.raises(EstimatorError, match="damaged or no skops model file"):
        storage.load(file)
    assert not (folder / "mark").exists()


def rewrite(file: Path, change: Callable[[Any], object], **members: bytes) -> None:
    """Change the archive's description of what it holds, and members by their ending."""
    with zipfile.ZipFile(file) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(held["schema.json"])
    change(schema)
    held["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, members.get(name.rpartition(".")[2], data))


def part(kind: str, loader: str, content: object, **more: object) -> dict[str, Any]:
    return {"__class__": kind, "__module__": "builtins", "__loader__": loader, "content": content, **more}


def call(module: str, name: str, argument: str) -> dict[str, Any]:
    """A node that would have skops call a function while it builds the model."""
    arguments = part("tuple", "TupleNode", [part("str", "JsonNode", json.dumps(argument), is_json=True)])
    return {
        "__class__": name,
        "__module__": module,
        "__loader__": "ConstructorFromReduceNode",
        "content": arguments,
    }


def function(module: str, name: str) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": "FunctionNode", "content": {}}


@pytest.mark.parametrize(
    ("node", "name"),
    [
        (lambda mark: call("os", "mkdir", str(mark)), "os.mkdir"),
        (lambda mark: call("subprocess", "check_output", f"mkdir {mark}"), "subprocess.check_output"),
        (lambda mark: function("os", "system"), "os.system"),
        (lambda mark: function("builtins", "eval"), "builtins.eval"),
        (lambda mark: {**function("subprocess", "Popen"), "__loader__": "TypeNode"}, "subprocess.Popen"),
        (
            lambda mark: {**function("subprocess", "Popen"), "__loader__": "ObjectNode", "content": None},
            "subprocess.Popen",
        ),
    ],
)
def test_a_crafted_archive_runs_nothing(saved: Path, node: Callable[[Path], Any], name: str) -> None:
    mark = saved.parent / "mark"

    def plant(schema: Any) -> None:
        schema["content"]["content"]["coef_"] = node(mark)

    rewrite(saved, plant)
    with pytest.raises(UntrustedModelError) as caught:
        storage.load(saved)
    assert not mark.exists()
    assert f"{saved} is not loaded: it holds {name}, which is not among the types" in caught.value.message


def test_the_crafted_archive_is_live(saved: Path) -> None:
    mark = saved.parent / "mark"
    rewrite(saved, lambda schema: schema["content"]["content"].update(coef_=call("os", "mkdir", str(mark))))
    storage.load(saved, trusted=["os.mkdir", "posix.mkdir"])
    assert mark.exists()


def test_a_pickle_inside_an_array_is_not_run(saved: Path) -> None:
    mark = saved.parent / "mark"
    planted = io.BytesIO()
    np.save(planted, np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    rewrite(saved, lambda schema: None, npy=planted.getvalue())
    with pytest.raises(EstimatorError, match="allow_pickle"):
        storage.load(saved)
    assert not mark.exists()


def test_importing_storage_is_cheap() -> None:
    # skops takes a second to import; who only handles models need not wait for it.
    script = "import sys, lineal.models.storage as s; sys.exit(bool({'skops', 'sklearn', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
