"""Runs and models on a real MLflow server, over http."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from lineal.datasets.dataset import Dataset
from lineal.errors import UnreachableError
from lineal.models import tracking
from lineal.models.digest import digest

pytestmark = [
    pytest.mark.slow,
    # MLflow leaves its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass
class Server:
    port: int
    process: subprocess.Popen[bytes]

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mlflow-server")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    with Path(folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        )
    try:
        yield Server(port, process) if answers(port, process) else pytest.fail((folder / "log").read_text()[-2000:])
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                return True
        except (URLError, OSError):
            time.sleep(0.2)
    return False


def test_a_run_and_its_model_live_on_a_server(
    server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    tracking.check_reachable()
    assert tracking.namespace() == f"mlflow://127.0.0.1:{server.port}"
    rows, labels = [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]], [0, 1, 1]
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)).fit(rows, labels)
    with tracking.start("served", run_name="first", tags={"a": "b"}) as recording:
        recording.params({f"p{number}": number for number in range(150)})
        recording.metrics({"accuracy": 1.0})
        recording.dataset(Dataset("train.parquet", name="served.train", version="a" * 32, rows=3), "training")
        recording.artifact_text("hello", "hello.txt")
        recording.nested([tracking.Trial("one", {"C": 1}, {"score": 0.5})])
        import pandas as pd

        recording.model(
            model,
            input_example=pd.DataFrame(rows, columns=["x", "y"]),
            output_example=model.predict(rows),
            digest=digest(model),
            requirements=tracking.requirements(),
        )
    tracked = recording.tracked
    number = tracking.register(tracked, "served", tags={"lineal.digest": digest(model)})
    tracking.set_alias("served", "champion", number)
    held = tracking.holder("served", "champion")
    assert held is not None
    assert (held.number, held.digest, held.run_id) == (1, digest(model), tracked.run_id)
    assert tracking.holder("served", "challenger") is None
    assert tracking.holder("nobody", "champion") is None
    assert tracking.version("served", 9) is None
    assert digest(tracking.load_model("models:/served@champion")) == digest(model)
    assert tracked.url == f"{server.uri}/#/experiments/{tracked.experiment_id}/runs/{tracked.run_id}"
    assert capfd.readouterr() == ("", "")
    # All that the model is lies on the server, nothing here.
    assert [entry.name for entry in tmp_path.iterdir()] == ["home"]


def test_a_server_that_goes_away_during_a_run_is_told_within_half_a_minute(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
        began = time.monotonic()
        with (
            pytest.raises(
                UnreachableError, match=rf"the MLflow server {uri} did not open a run of x \(.*; see whether"
            ),
            tracking.start("x"),
        ):
            pass
        assert time.monotonic() - began < 10
