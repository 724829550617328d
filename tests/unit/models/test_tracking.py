"""Runs and models in a real MLflow store; one for all tests here, as making one takes a second."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from lineal import settings
from lineal.datasets.dataset import Column, Dataset
from lineal.errors import EstimatorError, StorageError, TrackingError, UnreachableError, UntrustedModelError
from lineal.models import storage, tracking
from lineal.models.digest import digest
from lineal.models.model import TrackedRun
from lineal.models.tracking import connection

pytestmark = pytest.mark.filterwarnings(
    # MLflow leaves its own engines to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

ROWS = pd.DataFrame(
    {
        "age": [30.0, 41.5, np.nan, 55.0, 62.0, 23.0],
        "count": [1, 2, 3, 4, 5, 6],
        "member": [True, False, True, True, False, False],
        "town": ["Bonn", "Köln", None, "Bonn", "Trier", "Köln"],
        "joined": pd.to_datetime(["2024-01-01"] * 3 + ["2025-06-30"] * 3),
    }
)
LABELS = ["no", "no", "no", "yes", "yes", "yes"]


class Own(ClassifierMixin, BaseEstimator):
    """Somebody's own estimator."""

    def fit(self, rows: Any, labels: Any) -> Own:
        self.classes_ = np.unique(labels)
        return self

    def predict(self, rows: Any) -> Any:
        return np.repeat(self.classes_[0], len(rows))


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lineal-home")


@pytest.fixture(autouse=True)
def home(shared_home: Path, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("LINEAL_HOME", str(shared_home))
    return shared_home


@pytest.fixture
def as_a_user(home: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    """MLflow as a user of the same store has it."""
    tracking.connect()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home}/mlflow.db")
    return MlflowClient()


def fitted() -> Pipeline:
    encode = make_column_transformer(
        (StandardScaler(), ["count"]),
        (OneHotEncoder(handle_unknown="ignore"), ["town", "member"]),
    )
    return make_pipeline(encode, DecisionTreeClassifier(random_state=0)).fit(ROWS, LABELS)


def logged(model: Any = None, **more: Any) -> TrackedRun:
    model = model or fitted()
    with tracking.start("logged") as recording:
        recording.metrics({"accuracy": 0.75})
        recording.model(
            model,
            input_example=ROWS.head(3),
            output_example=model.predict(ROWS.head(3)),
            digest=digest(model),
            requirements=tracking.requirements(),
            **more,
        )
    return recording.tracked


# --- runs ---------------------------------------------------------------------------------------------------------


def test_a_run_is_running_within_and_finished_after(as_a_user: MlflowClient) -> None:
    with tracking.start(
        "lifecycle", run_name="first", tags={"lineal.flow": "train"}, description="A *good* run"
    ) as recording:
        inside = as_a_user.get_run(recording.tracked.run_id)
    after = as_a_user.get_run(recording.tracked.run_id)
    assert (inside.info.status, after.info.status) == ("RUNNING", "FINISHED")
    assert after.info.run_name == "first"
    assert after.data.tags["lineal.flow"] == "train"
    assert after.data.tags["mlflow.note.content"] == "A *good* run"
    assert as_a_user.get_experiment(recording.tracked.experiment_id).name == "lifecycle"
    assert recording.tracked.url is None


@pytest.mark.parametrize(
    ("raised", "status"), [(ValueError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED"), (SystemExit(2), "KILLED")]
)
def test_a_run_ends_by_what_happened_in_it(raised: BaseException, status: str, as_a_user: MlflowClient) -> None:
    with pytest.raises(type(raised)) as caught, tracking.start("lifecycle") as recording:
        raise raised
    assert caught.value is raised
    assert as_a_user.get_run(recording.tracked.run_id).info.status == status


def test_a_run_is_opened_again_by_another_step(as_a_user: MlflowClient) -> None:
    with tracking.start("lifecycle") as recording:
        recording.params({"depth": 3})
    with tracking.resume(recording.tracked) as again:
        inside = as_a_user.get_run(recording.tracked.run_id).info.status
        again.metrics({"accuracy": 0.5})
    run = as_a_user.get_run(recording.tracked.run_id)
    assert (inside, run.info.status, run.data.params, run.data.metrics) == (
        "RUNNING",
        "FINISHED",
        {"depth": "3"},
        {"accuracy": 0.5},
    )


def test_a_run_that_is_not_there_is_told() -> None:
    lost = TrackedRun("sqlite:///elsewhere.db", "1", "f" * 32)
    with pytest.raises(TrackingError, match=f"cannot open run {'f' * 32} again: .*not found"), tracking.resume(lost):
        pass


def test_an_error_while_closing_does_not_hide_the_first_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MlflowClient, "set_terminated", refuse)
    with pytest.raises(ValueError, match="first"), tracking.start("lifecycle"):
        raise ValueError("first")
    assert "No space left on device" in caplog.text


def test_a_server_that_is_gone_is_not_waited_for_twice(
    monkeypatch: pytest.MonkeyPatch, as_a_user: MlflowClient
) -> None:
    asked = []
    monkeypatch.setattr(MlflowClient, "set_terminated", lambda *arguments: asked.append(arguments[2]))
    for uri in (f"{settings.tracking_uri()}", "s3://bucket/data.csv"):
        with pytest.raises(UnreachableError), tracking.start("lifecycle"):
            raise UnreachableError("does not answer", uri=uri)
    assert asked == ["FAILED"]


def test_the_users_own_experiment_is_kept_to(monkeypatch: pytest.MonkeyPatch, as_a_user: MlflowClient) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    with tracking.start("pipeline") as named:
        pass
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", named.tracked.experiment_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "something else")
    with tracking.start("pipeline") as numbered:
        pass
    assert as_a_user.get_experiment(named.tracked.experiment_id).name == "mine"
    assert numbered.tracked.experiment_id == named.tracked.experiment_id


def test_a_deleted_experiment_is_told(as_a_user: MlflowClient) -> None:
    as_a_user.delete_experiment(as_a_user.create_experiment("gone"))
    with pytest.raises(TrackingError) as caught, tracking.start("gone"):
        pass
    assert caught.value.message == (
        "the MLflow experiment gone was deleted; restore it with `mlflow experiments restore`, "
        "or set MLFLOW_EXPERIMENT_NAME to another"
    )


# --- what is written ----------------------------------------------------------------------------------------------


def test_many_parameters_metrics_and_tags_are_written_whatever_their_names(as_a_user: MlflowClient) -> None:
    params: dict[str, object] = {f"p{number}": number for number in range(230)}
    params |= {"model.params[0]": True, "long": "x" * 9000, "none": None, "k" * 300: 1}
    with tracking.start("written") as recording:
        recording.params(params)
        recording.metrics({f"fold {number}": number / 3 for number in range(120)} | {"lost": float("nan")}, step=2)
        recording.tags({"a:b": "c", "long": "y" * 9000})
    data = as_a_user.get_run(recording.tracked.run_id).data
    assert len(data.params) == 234
    assert data.params["p229"] == "229"
    assert data.params["model.params_0_"] == "True"
    assert len(data.params["long"]) <= 6000
    assert data.params["long"].endswith("… (cut; 9000 characters in all)")
    assert data.metrics == {f"fold {number}": number / 3 for number in range(120)}
    assert data.tags["a_b"] == "c"
    assert data.tags["long"].endswith("… (cut; 9000 characters in all)")


def test_a_dataset_is_logged_under_our_name_and_version(as_a_user: MlflowClient) -> None:
    columns = (Column("age", "double"), Column("n", "int32"), Column("town", "string"), Column("d", "timestamp[us]"))
    version = "0123456789abcdef0123456789abcdef"
    with tracking.start("written") as recording:
        recording.dataset(
            Dataset("/data/train.parquet", name="bc.train", version=version, rows=426, columns=columns), "training"
        )
        recording.dataset(Dataset("https://ada:hush@host/token=17/test.csv", version="f" * 32), "evaluation")
    first, second = as_a_user.get_run(recording.tracked.run_id).inputs.dataset_inputs
    assert (first.dataset.name, first.dataset.digest) == ("bc.train", version)
    assert json.loads(first.dataset.source) == {"uri": "/data/train.parquet"}
    assert [spec["type"] for spec in json.loads(first.dataset.schema)["mlflow_colspec"]] == [
        "double",
        "integer",
        "string",
        "datetime",
    ]
    assert json.loads(first.dataset.profile) == {"num_rows": 426, "num_elements": 1704}
    assert [(tag.key, tag.value) for tag in first.tags] == [("mlflow.data.context", "training")]
    assert json.loads(second.dataset.source) == {"url": "https://host/token=17/test.csv"}


@pytest.mark.filterwarnings("error:Glyph")  # what MLflow saves for us would be forgiven
def test_artifacts_lie_under_the_home_and_nowhere_else(home: Path, tmp_path: Path) -> None:
    figure = Figure()
    # What a user calls a column need not be in the font.
    figure.subplots().set_title("東京")
    (tmp_path / "own.toml").write_text("name = 'x'")
    with tracking.start("written") as recording:
        recording.artifact_text("Grüße", "notes/hello.txt")
        recording.artifact_table({"feature": ["a", "b"], "mean": [0.5, 0.25]}, "importances.csv")
        recording.artifact_table(pd.DataFrame({"feature": ["a"]}), "importances.json")
        recording.artifact_figure(figure, "plot.png")
        recording.artifact_file(tmp_path / "own.toml", "pipeline")
    folder = home / "mlartifacts" / "written" / recording.tracked.run_id / "artifacts"
    assert (folder / "notes/hello.txt").read_text(encoding="utf-8") == "Grüße"
    assert (folder / "importances.csv").read_text() == "feature,mean\na,0.5\nb,0.25\n"
    assert json.loads((folder / "importances.json").read_text()) == {"columns": ["feature"], "data": [["a"]]}
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "pipeline/own.toml").exists()
    assert not list((tmp_path / "work").iterdir())


def test_trials_are_finished_children(as_a_user: MlflowClient) -> None:
    trials = [tracking.Trial(f"C={c}", {"C": c}, {"mean_test_score": c / 10}, {"rank": "1"}) for c in (1, 2, 3)]
    with tracking.start("written") as recording:
        made = recording.nested(trials)
    children = as_a_user.search_runs(
        [recording.tracked.experiment_id], f"tags.`mlflow.parentRunId` = '{recording.tracked.run_id}'"
    )
    assert {child.info.run_id for child in children} == set(made)
    assert {child.info.status for child in children} == {"FINISHED"}
    assert {(child.info.run_name, child.data.params["C"]) for child in children} == {
        ("C=1", "1"),
        ("C=2", "2"),
        ("C=3", "3"),
    }
    assert {child.data.metrics["mean_test_score"] for child in children} == {0.1, 0.2, 0.3}


# --- models -------------------------------------------------------------------------------------------------------


def test_a_logged_model_opens_as_users_of_mlflow_expect(as_a_user: MlflowClient) -> None:
    model = fitted()
    tracked = logged(model)
    number = tracking.register(tracked, "opens")
    by_flavor = mlflow.sklearn.load_model(f"models:/opens/{number}")
    by_function = mlflow.pyfunc.load_model(f"models:/{tracked.model_id}")
    assert list(by_flavor.predict(ROWS)) == list(model.predict(ROWS))
    assert list(by_function.predict(ROWS)) == list(model.predict(ROWS))
    signature = by_function.metadata.signature
    assert [spec.type.name for spec in signature.inputs] == ["double", "long", "boolean", "string", "datetime"]
    assert signature.outputs is not None
    requirements = mlflow.pyfunc.get_model_dependencies(f"models:/{tracked.model_id}")
    assert set(tracking.requirements()) <= set(Path(requirements).read_text().splitlines())
    assert mlflow.models.Model.load(f"models:/{tracked.model_id}").load_input_example(None) is not None


def test_a_logged_model_carries_its_digest_parameters_and_metrics(as_a_user: MlflowClient) -> None:
    model = fitted()
    tracked = logged(model)
    assert tracked.model_id is not None
    with tracking.resume(tracked) as recording:
        recording.metrics({"held_out_accuracy": 0.5})
    found = as_a_user.get_logged_model(tracked.model_id)
    assert str(found.status) == "READY"
    assert found.tags["lineal.digest"] == digest(model)
    assert {metric.key: metric.value for metric in found.metrics} == {"accuracy": 0.75, "held_out_accuracy": 0.5}
    outputs = as_a_user.get_run(tracked.run_id).outputs.model_outputs
    assert [output.model_id for output in outputs] == [tracked.model_id]


def test_logging_a_model_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"started {arguments}")

    monkeypatch.setattr("subprocess.Popen.__init__", refuse)
    assert logged().model_id is not None


def test_our_own_loading_gives_the_same_model(as_a_user: MlflowClient) -> None:
    model = fitted()
    tracked = logged(model)
    number = tracking.register(tracked, "ours")
    tracking.set_alias("ours", "champion", number)
    for uri in (f"models:/{tracked.model_id}", f"models:/ours/{number}", "models:/ours@champion"):
        again = tracking.load_model(uri, digest=digest(model))
        assert digest(again) == digest(model)


def test_a_changed_model_file_is_told(home: Path) -> None:
    tracked = logged()
    file = next((home / "mlartifacts").rglob(f"{tracked.model_id}/artifacts/model.skops"))
    storage.save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), file)
    with pytest.raises(
        EstimatorError,
        match=r"models:/m-\w+ has the digest \w{12}…, not the recorded 0{12}…; it may have been tampered with",
    ):
        tracking.load_model(f"models:/{tracked.model_id}", digest="0" * 64)


def test_a_pickled_model_is_not_loaded(as_a_user: MlflowClient) -> None:
    mlflow.set_experiment("pickled")
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(
            fitted(), name="model", serialization_format="pickle", pip_requirements=[], signature=False
        )
    mlflow.set_tracking_uri(None)
    with pytest.raises(UntrustedModelError) as caught:
        tracking.load_model(f"models:/{info.model_id}")
    assert "has no model.skops (it holds MLmodel, conda.yaml, model.pkl" in caught.value.message
    assert caught.value.message.endswith("other formats can run code when loaded, so train it again with Lineal")


def test_what_mlflows_own_list_says_is_trusted_counts_for_nothing(as_a_user: MlflowClient) -> None:
    own = f"{Own.__module__}.Own"
    model = Own().fit(ROWS, LABELS)
    with pytest.raises(UntrustedModelError, match=f"it holds {own}, which is not among the types"):
        logged(model)
    tracked = logged(model, trusted=[own])
    with pytest.raises(UntrustedModelError, match=f"it holds {own}, which is not among the types"):
        tracking.load_model(f"models:/{tracked.model_id}")
    assert tracking.load_model(f"models:/{tracked.model_id}", trusted=[own]).predict([0]) == ["no"]


def test_a_model_that_cannot_be_saved_leaves_a_failed_model_and_run(as_a_user: MlflowClient) -> None:
    with pytest.raises(UntrustedModelError):
        logged(Own().fit(ROWS, LABELS))
    experiment = as_a_user.get_experiment_by_name("logged").experiment_id
    newest = as_a_user.search_runs([experiment], max_results=1)[0]
    models = as_a_user.search_logged_models([experiment], f"source_run_id = '{newest.info.run_id}'")
    assert newest.info.status == "FAILED"
    assert [str(model.status) for model in models] == ["FAILED"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("models:/nobody/1", "cannot bring back the model models:/nobody/1: .*nobody"),
        ("models:/nobody@champion", "cannot bring back the model models:/nobody@champion: .*nobody"),
        ("models:/m-0123", "cannot bring back the model models:/m-0123: .*m-0123"),
        ("runs:/abc/model", "runs:/abc/model is no model of MLflow's; write models:/NAME/NUMBER or models:/NAME@ALIAS"),
    ],
)
def test_a_model_that_is_not_there_is_told(uri: str, words: str) -> None:
    with pytest.raises(TrackingError, match=words):
        tracking.load_model(uri)


def test_requirements_are_pinned_to_what_is_installed() -> None:
    import sklearn

    found = tracking.requirements("matplotlib", "no-such-package")
    assert f"scikit-learn=={sklearn.__version__}" in found
    assert [line.partition("==")[0] for line in found] == [
        "scikit-learn",
        "numpy",
        "scipy",
        "pandas",
        "pyarrow",
        "skops",
        "matplotlib",
    ]


# --- registry -----------------------------------------------------------------------------------------------------


def test_versions_are_numbered_and_hold_aliases_and_tags(as_a_user: MlflowClient) -> None:
    first, second = logged(), logged()
    one = tracking.register(first, "flowers", tags={"lineal.digest": "d" * 64}, description="The first")
    two = tracking.register(second, "flowers")
    assert (one, two) == (1, 2)
    assert tracking.holder("flowers", "champion") is None
    tracking.set_alias("flowers", "champion", 1)
    tracking.set_version_tags("flowers", 1, {"gate": "held"})
    held = tracking.holder("flowers", "champion")
    assert held == tracking.version("flowers", 1)
    assert held == tracking.RegisteredVersion(
        "flowers",
        1,
        "models:/flowers/1",
        first.run_id,
        {"lineal.digest": "d" * 64, "gate": "held"},
        ("champion",),
        first.model_id,
    )
    assert held.digest == "d" * 64
    tracking.set_alias("flowers", "champion", 2)
    moved = tracking.holder("flowers", "champion")
    assert moved is not None
    assert (moved.number, moved.digest) == (2, None)
    assert as_a_user.get_model_version("flowers", "1").description == "The first"
    versions = json.loads(as_a_user.get_logged_model(str(first.model_id)).tags["mlflow.modelVersions"])
    assert [(entry["name"], int(entry["version"])) for entry in versions] == [("flowers", 1)]


def test_who_is_not_registered_is_nobody() -> None:
    assert tracking.holder("nobody", "champion") is None
    assert tracking.version("nobody", 1) is None


def test_a_run_without_a_model_registers_nothing() -> None:
    with pytest.raises(TrackingError, match="run abc has logged no model, so there is none to register as flowers"):
        tracking.register(TrackedRun("sqlite:///x.db", "1", "abc"), "flowers")


def test_an_alias_for_a_version_that_is_not_there_is_told() -> None:
    with pytest.raises(TrackingError, match=r"cannot give nobody version 7 the alias champion: "):
        tracking.set_alias("nobody", "champion", 7)


# --- the store ----------------------------------------------------------------------------------------------------


def schema(file: Path) -> dict[str, Any]:
    """Tables with their columns and keys, indexes, and the migration that the database stands at."""
    with closing(sqlite3.connect(file)) as database:
        found: dict[str, Any] = {"": database.execute("SELECT version_num FROM alembic_version").fetchall()}
        for kind, name in database.execute("SELECT type, name FROM sqlite_master").fetchall():
            columns = database.execute("SELECT * FROM pragma_table_info(?)", (name,)).fetchall()
            keys = database.execute("SELECT * FROM pragma_foreign_key_list(?)", (name,)).fetchall()
            found[f"{kind} {name}"] = sorted(column[1:] for column in columns), sorted(key[2:] for key in keys)
        return found


def test_the_embedded_store_is_the_one_that_mlflow_makes(home: Path, tmp_path: Path) -> None:
    tracking.connect()
    MlflowClient(f"sqlite:///{tmp_path}/own.db").search_experiments()
    ours, theirs = schema(home / "mlflow.db"), schema(tmp_path / "own.db")
    assert ours == theirs
    assert len(ours) > 50


def test_several_threads_can_open_a_new_store_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "new"))
    with ThreadPoolExecutor(3) as pool:
        clients = list(pool.map(lambda _: tracking.connect(), range(3)))
    assert [len(client.search_experiments()) for client in clients] == [1, 1, 1]
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == ["mlflow.db"]


def test_a_store_that_another_process_made_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "new" / "mlflow.db"

    def overtaken(_: Any) -> None:
        file.parent.mkdir()
        file.write_text("theirs")

    monkeypatch.setattr("mlflow.store.db.utils._initialize_tables", overtaken)
    connection._make_store(file)
    assert file.read_text() == "theirs"
    assert [entry.name for entry in file.parent.iterdir()] == ["mlflow.db"]


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StorageError) as caught:
        tracking.connect()
    assert f"the MLflow database {tmp_path}/file/home/mlflow.db cannot be made" in caught.value.message


def test_a_store_that_was_damaged_since_is_told(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes((home / "mlflow.db").read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file}")
    tracking.connect()
    with closing(sqlite3.connect(file)) as database:
        database.execute("DROP TABLE experiments")
    with (
        pytest.raises((StorageError, TrackingError), match=r"open a run of x.*no such table: experiments"),
        tracking.start("x"),
    ):
        pass


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAL_HOME", str(tmp_path / "another"))
    tracked = logged()
    tracking.register(tracked, "quiet")
    tracking.load_model("models:/quiet/1")
    assert capfd.readouterr() == ("", "")
