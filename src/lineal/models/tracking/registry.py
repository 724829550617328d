"""MLflow's model registry: versions, and the aliases they hold."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lineal import settings
from lineal.errors import TrackingError
from lineal.models.model import TrackedRun
from lineal.models.tracking.connection import code_of, connect, explained
from lineal.models.tracking.place import run_url
from lineal.redaction import redact


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version of a registered model.

    Attributes:
        name: of the registered model.
        number: of the version.
        uri: `models:/{name}/{number}`.
        run_id: of the MLflow run that made it, where MLflow knows.
        tags: as they stand now; `lineal.digest` holds the model digest where Lineal registered it.
        aliases: that it holds now.
        model_id: of the logged model that the version is, where MLflow knows.
    """

    name: str
    number: int
    uri: str
    run_id: str | None
    tags: Mapping[str, str]
    aliases: tuple[str, ...] = ()
    model_id: str | None = None

    @property
    def digest(self) -> str | None:
        """The model digest, where Lineal registered the version."""
        return self.tags.get("lineal.digest")


def register(
    tracked: TrackedRun, name: str, *, tags: Mapping[str, str] | None = None, description: str | None = None
) -> int:
    """Make a new version of a registered model from the model that a run logged; return its number.

    Args:
        tracked: a run with a `model_id`.
        name: of the registered model, which is made if need be.
        tags: of the version.
        description: of the version.

    Raises:
        TrackingError: no model was logged, or the registry refuses.
    """
    if tracked.model_id is None:
        raise TrackingError(f"run {tracked.run_id} has logged no model, so there is none to register as {name}")
    client = connect()
    with explained(f"register the model {name}"):
        _make_model(client, name)
        with _as_global():
            made = client.create_model_version(
                name,
                source=f"models:/{tracked.model_id}",
                run_id=tracked.run_id,
                tags=dict(tags or {}),
                description=description,
                model_id=tracked.model_id,
            )
        # What mlflow.register_model notes, so that the model's page leads to its versions.
        known = json.loads(client.get_logged_model(tracked.model_id).tags.get("mlflow.modelVersions", "[]"))
        versions = [*known, {"name": name, "version": made.version}]
        client.set_logged_model_tags(tracked.model_id, {"mlflow.modelVersions": json.dumps(versions)})
    return int(made.version)


def holder(name: str, alias: str) -> RegisteredVersion | None:
    """Return the version that holds an alias; None where no version does."""
    return _found(f"look up the alias {alias} of {name}", "get_model_version_by_alias", name, alias)


def version(name: str, number: int) -> RegisteredVersion | None:
    """Return a version of a registered model; None where there is none of that number."""
    return _found(f"look up version {number} of {name}", "get_model_version", name, str(number))


def newest_version(name: str) -> RegisteredVersion | None:
    """Return the newest version of a registered model; None where there is no such model, or it has no version."""
    known = versions(name)
    return known[-1] if known else None


def versions(name: str) -> list[RegisteredVersion]:
    """Return all versions of a registered model, the oldest first; none where there is no such model."""
    client = connect()
    found: list[RegisteredVersion] = []
    # MLflow has no way to quote a quote; no registered model's name should hold one.
    if "'" in name:
        return []
    with explained(f"list the versions of {name}"):
        token: str | None = None
        while True:
            page = client.search_model_versions(f"name='{name}'", max_results=200, page_token=token)
            found += [_version(each) for each in page]
            token = page.token
            if not token:
                break
        # A search does not tell the aliases of versions, the model itself does.
        holders = client.get_registered_model(name).aliases if found else {}
    aliases: dict[int, list[str]] = {}
    for alias, number in holders.items():
        aliases.setdefault(int(number), []).append(alias)
    complete = [replace(each, aliases=tuple(sorted(aliases.get(each.number, ())))) for each in found]
    return sorted(complete, key=lambda each: each.number)


def tracked_run(version: RegisteredVersion) -> TrackedRun | None:
    """Return the run that made a version; None where MLflow does not know it."""
    if version.run_id is None:
        return None
    client = connect()
    with explained(f"look up the run of {version.name} version {version.number}"):
        info = client.get_run(version.run_id).info
    tracked = TrackedRun(redact(settings.tracking_uri()), str(info.experiment_id), version.run_id, version.model_id)
    return replace(tracked, url=run_url(tracked))


def run_tags(run_id: str) -> Mapping[str, str]:
    """Return the tags of a run."""
    client = connect()
    with explained(f"look up run {run_id}"):
        return dict(client.get_run(run_id).data.tags)


def artifact_texts(run_id: str, folder: str) -> dict[str, str]:
    """Return the text files that a run keeps in a folder of its artifacts, by name."""
    client = connect()
    import mlflow.artifacts

    with explained(f"read what run {run_id} keeps in {folder}"), tempfile.TemporaryDirectory(prefix="lineal-") as here:
        texts = {}
        for entry in client.list_artifacts(run_id, folder):
            file = mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=entry.path, dst_path=here, tracking_uri=settings.tracking_uri()
            )
            texts[Path(entry.path).name] = Path(file).read_bytes().decode("utf-8")
        return texts


def set_alias(name: str, alias: str, number: int) -> None:
    """Give an alias to a version; who held it before loses it."""
    client = connect()
    with explained(f"give {name} version {number} the alias {alias}"):
        client.set_registered_model_alias(name, alias, str(number))


def delete_alias(name: str, alias: str) -> None:
    """Take an alias away from whichever version holds it."""
    client = connect()
    with explained(f"take the alias {alias} of {name} away"):
        client.delete_registered_model_alias(name, alias)


def set_version_tags(name: str, number: int, tags: Mapping[str, str]) -> None:
    """Set tags of a version; others stay."""
    client = connect()
    with explained(f"tag {name} version {number}"):
        for key, value in tags.items():
            client.set_model_version_tag(name, str(number), key, value)


def _make_model(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as problem:
        if code_of(problem) not in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
            raise


def _found(doing: str, method: str, *arguments: str) -> RegisteredVersion | None:
    client = connect()
    from mlflow.exceptions import MlflowException

    with explained(doing):
        try:
            found = getattr(client, method)(*arguments)
        except MlflowException as problem:
            # A missing alias of a model that is there is an invalid parameter to some stores.
            missing = "not found" in str(problem) and code_of(problem) == "INVALID_PARAMETER_VALUE"
            if missing or code_of(problem) in ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"):
                return None
            raise
    return _version(found)


def _version(found: Any) -> RegisteredVersion:
    return RegisteredVersion(
        name=found.name,
        number=int(found.version),
        uri=f"models:/{found.name}/{found.version}",
        run_id=found.run_id or None,
        tags=dict(found.tags),
        aliases=tuple(found.aliases),
        model_id=found.model_id or _model_id(found.source),
    )


def _model_id(source: str | None) -> str | None:
    """The logged model that a version was made from: some stores tell it by the source alone."""
    name = (source or "").removeprefix("models:/")
    return name if name.startswith("m-") and "/" not in name else None


@contextmanager
def _as_global() -> Iterator[None]:
    """Let MLflow's global tracking URI be ours: its registry in a database looks up logged models by that alone."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = settings.tracking_uri()
    try:
        yield
    finally:
        if before is None:
            del os.environ["MLFLOW_TRACKING_URI"]
        else:
            os.environ["MLFLOW_TRACKING_URI"] = before
