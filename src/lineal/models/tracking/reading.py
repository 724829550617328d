"""What a finished run holds: read it, and mark it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lineal import settings
from lineal.datasets.dataset import Dataset
from lineal.errors import TrackingError
from lineal.models.tracking.connection import connect, explained
from lineal.models.tracking.logged import location
from lineal.models.tracking.place import artifacts_of
from lineal.redaction import redact


def artifact(run_id: str, path: str) -> bytes:
    """Read one artifact of a run.

    Raises:
        TrackingError: there is no such run or artifact.
        UnreachableError: the server does not answer.
    """
    client = connect()
    import mlflow.artifacts

    with (
        explained(f"read the artifact {path} of run {run_id}"),
        tempfile.TemporaryDirectory(prefix="lineal-") as folder,
    ):
        uri = str(client.get_run(run_id).info.artifact_uri)
        file = mlflow.artifacts.download_artifacts(
            artifact_uri=f"{uri.rstrip('/')}/{path}", dst_path=folder, tracking_uri=settings.tracking_uri()
        )
        return Path(file).read_bytes()


def artifacts_under(run_id: str, folder: str) -> dict[str, bytes]:
    """Read all that a run keeps in a folder of its artifacts, by path; nothing where it keeps none.

    Raises:
        TrackingError: there is no such run.
        UnreachableError: the server does not answer.
    """
    embedded = artifacts_of(run_id)
    if embedded is not None:
        # MLflow takes seconds to import, and would only copy them.
        return _read_under(embedded, folder)
    client = connect()
    import mlflow.artifacts

    with (
        explained(f"read the artifacts of run {run_id} in {folder}"),
        tempfile.TemporaryDirectory(prefix="lineal-") as here,
    ):
        if not client.list_artifacts(run_id, folder):
            return {}
        uri = str(client.get_run(run_id).info.artifact_uri)
        mlflow.artifacts.download_artifacts(
            artifact_uri=f"{uri.rstrip('/')}/{folder}", dst_path=here, tracking_uri=settings.tracking_uri()
        )
        return _read_under(Path(here), folder)


def _read_under(root: Path, folder: str) -> dict[str, bytes]:
    files = sorted(path for path in (root / folder).rglob("*") if path.is_file())
    try:
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    except OSError as problem:
        raise TrackingError(f"the artifacts in {root / folder} cannot be read: {problem.strerror}") from problem


def trained_on(run_id: str) -> Dataset | None:
    """The dataset version that a run logged as what it trained on, to be had from the cache; None where it named none.

    Raises:
        TrackingError: there is no such run.
        UnreachableError: the server does not answer.
    """
    client = connect()
    with explained(f"look up what run {run_id} trained on"):
        inputs = client.get_run(run_id).inputs.dataset_inputs
    for each in inputs:
        if any((tag.key, tag.value) == ("mlflow.data.context", "training") for tag in each.tags):
            location = json.loads(each.dataset.source)
            return Dataset(location.get("uri") or location["url"], each.dataset.name, version=each.dataset.digest)
    return None


def model_files(uri: str, folder: Path) -> None:
    """Copy a model's files, as MLflow keeps them, into a folder.

    Args:
        uri: `models:/NAME/NUMBER`, `models:/NAME@ALIAS` or `models:/m-…`.
        folder: an existing one.

    Raises:
        TrackingError: MLflow has no such model, or its files are gone.
        UnreachableError: the server does not answer.
    """
    client = connect()
    import mlflow.artifacts

    with explained(f"bring back the files of {uri}"):
        where = f"{location(client, uri).rstrip('/')}/"
        asked = {"artifact_uri": where, "tracking_uri": settings.tracking_uri()}
        # Of a folder that is gone MLflow brings nothing, without a word.
        if not mlflow.artifacts.list_artifacts(**asked):
            raise TrackingError(f"the files of the model {uri} are gone from {redact(where)}; train it again")
        mlflow.artifacts.download_artifacts(**asked, dst_path=str(folder))


def mark(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of a finished run, which stays as it ended.

    Raises:
        TrackingError: there is no such run.
        UnreachableError: the server does not answer.
    """
    client = connect()
    with explained(f"tag run {run_id}"):
        for name, value in tags.items():
            client.set_tag(run_id, name, value)


def leave(run_id: str, texts: Mapping[str, str]) -> None:
    """Leave text files with a finished run, which stays as it ended.

    Args:
        run_id: of the run.
        texts: by their paths among the run's artifacts; one of the same path is replaced.

    Raises:
        TrackingError: there is no such run.
        UnreachableError: the server does not answer.
    """
    client = connect()
    with explained(f"leave files with run {run_id}"):
        for path, text in texts.items():
            client.log_text(run_id, text, path)
