"""Models as MLflow keeps them: a folder in the scikit-learn flavour, whose model file is ours."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal import settings, signing
from lineal.errors import EstimatorError, LinealError, TrackingError, UntrustedModelError
from lineal.models import signature, storage
from lineal.models.tracking.connection import connect, explained, hushed
from lineal.models.tracking.local import model_file

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

_LOGGER = logging.getLogger(__name__)
# What a fitted pipeline needs to predict as it did.
_NEEDED = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "skops")


def requirements(*distributions: str) -> list[str]:
    """Return the pinned packages that a model needs, as they are installed here.

    Args:
        distributions: packages beyond scikit-learn and what it stands on, such as `xgboost`.
    """
    pinned = []
    for name in (*_NEEDED, *distributions):
        try:
            # What follows a + names a build that the package index does not serve.
            pinned.append(f"{name}=={version_of(name).partition('+')[0]}")
        except PackageNotFoundError:
            continue
    return pinned


def log(
    client: MlflowClient,
    *,
    experiment_id: str,
    run_id: str,
    name: str,
    model: Any,
    input_example: pd.DataFrame,
    output_example: Any,
    pins: Sequence[str],
    trusted: Collection[str],
    tags: Mapping[str, str],
    params: Mapping[str, str],
) -> str:
    """Log a fitted pipeline as a model of a run, and return its id.

    This is what `mlflow.sklearn.log_model` does, less its loading of what it has just saved, its running of the model
    to learn what it imports, and its use of the global active run.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus
    from mlflow.models import Model

    made = client.create_logged_model(
        experiment_id, name=name, source_run_id=run_id, tags=dict(tags), params=dict(params), model_type="sklearn"
    )
    try:
        with tempfile.TemporaryDirectory(prefix="lineal-") as folder:
            described = Model(
                artifact_path=made.artifact_location, model_uuid=made.model_id, run_id=run_id, model_id=made.model_id
            )
            with hushed():
                _write(Path(folder), described, model, input_example, output_example, pins, trusted)
            _sign(Path(folder), tags.get("lineal.digest", ""))
            client.log_model_artifacts(made.model_id, folder)
        client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
    except BaseException:
        client.finalize_logged_model(made.model_id, LoggedModelStatus.FAILED)
        raise
    client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
    return str(made.model_id)


def _sign(folder: Path, digest: str) -> None:
    try:
        signature.sign(folder, digest, signing.key_for("models"))
    except (LinealError, OSError) as problem:
        # A model that cannot be signed is still worth keeping; `lineal verify` says that it is not.
        _LOGGER.warning("the model is not signed: %s", problem)


def load_model(uri: str, *, trusted: Collection[str] = (), digest: str | None = None) -> Any:
    """Bring a model back from MLflow without running code from its files.

    Args:
        uri: `models:/NAME/NUMBER`, `models:/NAME@ALIAS` or `models:/m-…`.
        trusted: classes beyond Lineal's own list that the user named, such as the pipeline file's estimator.
        digest: what the model must be; checked before anything is done with it.

    Raises:
        EstimatorError: the file is damaged, or the model is not the one that `digest` names.
        UntrustedModelError: the model was saved in a way that can run code, or holds other classes.
        TrackingError, UnreachableError: MLflow has no such model, or does not answer.
    """
    file = model_file(uri)
    return _held(uri, storage.load(file, trusted=trusted) if file else _brought(uri, trusted), digest)


def _brought(uri: str, trusted: Collection[str]) -> Any:
    client = connect()
    import mlflow.artifacts

    with explained(f"bring back the model {uri}"), tempfile.TemporaryDirectory(prefix="lineal-") as folder:
        where_it_lies = location(client, uri)
        where = {"tracking_uri": settings.tracking_uri()}
        names = {
            Path(entry.path).name for entry in mlflow.artifacts.list_artifacts(artifact_uri=where_it_lies, **where)
        }
        if storage.FILE_NAME not in names:
            raise UntrustedModelError(
                f"the model {uri} has no {storage.FILE_NAME} (it holds {', '.join(sorted(names)) or 'no files'}); "
                "other formats can run code when loaded, so train it again with Lineal"
            )
        file = mlflow.artifacts.download_artifacts(
            artifact_uri=f"{where_it_lies.rstrip('/')}/{storage.FILE_NAME}", dst_path=folder, **where
        )
        return storage.load(file, trusted=trusted)


def _held(uri: str, model: Any, digest: str | None) -> Any:
    if digest is not None:
        from lineal.models.digest import digest as digest_of

        found = digest_of(model)
        if found != digest:
            raise EstimatorError(
                f"the model {uri} has the digest {found[:12]}…, not the recorded {digest[:12]}…; "
                "it may have been tampered with, so train it again or take another version"
            )
    return model


def download(uri: str, folder: Path) -> Path:
    """Bring all files of a model back from MLflow, and load none of them.

    Args:
        uri: `models:/NAME/NUMBER`, `models:/NAME@ALIAS` or `models:/m-…`.
        folder: an empty one, to put them in.

    Raises:
        TrackingError, UnreachableError: MLflow has no such model, or does not answer.
    """
    client = connect()
    import mlflow.artifacts

    with explained(f"bring back the model {uri}"), hushed():
        place = location(client, uri)
        where = {"tracking_uri": settings.tracking_uri()}
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=place, dst_path=str(folder), **where))


def location(client: MlflowClient, uri: str) -> str:
    """Where a model's files lie; MLflow's own look-up asks the global tracking URI."""
    name, _, part = uri.removeprefix("models:/").partition("/")
    if not uri.startswith("models:/") or not name:
        raise TrackingError(f"{uri} is no model of MLflow's; write models:/NAME/NUMBER or models:/NAME@ALIAS")
    if not part and name.startswith("m-"):
        return str(client.get_logged_model(name).artifact_location)
    if "@" in name:
        name, _, alias = name.partition("@")
        found = client.get_model_version_by_alias(name, alias)
    else:
        found = client.get_model_version(name, part)
    return str(client.get_model_version_download_uri(found.name, found.version))


def _write(
    folder: Path,
    described: Any,
    model: Any,
    input_example: pd.DataFrame,
    output_example: Any,
    pins: Sequence[str],
    trusted: Collection[str],
) -> None:
    """Write the model's folder with the parts that MLflow's own flavours are written with."""
    import sklearn
    import yaml
    from mlflow import pyfunc
    from mlflow.models import infer_signature
    from mlflow.models.utils import _save_example
    from mlflow.utils.environment import _process_pip_requirements, _PythonEnv

    held = storage.save(model, folder / storage.FILE_NAME, trusted=trusted)
    _save_example(described, input_example, str(folder))
    described.signature = infer_signature(input_example, output_example)
    pyfunc.add_to_model(
        described,
        loader_module="mlflow.sklearn",
        model_path=storage.FILE_NAME,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
        predict_fn="predict",
    )
    described.add_flavor(
        "sklearn",
        pickled_model=storage.FILE_NAME,
        sklearn_version=sklearn.__version__,
        serialization_format="skops",
        code=None,
        # For those who load it with MLflow; `load_model` asks Lineal's own list, never this one.
        skops_trusted_types=list(held),
    )
    described.model_size_bytes = sum(file.stat().st_size for file in folder.iterdir())
    described.save(str(folder / "MLmodel"))
    # Preprocessing of ours is in the pipeline where its columns need it.
    ours = [f"lineal=={version_of('lineal')}"] if any(name.startswith("lineal.") for name in held) else []
    environment, lines, _ = _process_pip_requirements(None, pip_requirements=[*pins, *ours])
    (folder / "conda.yaml").write_text(yaml.safe_dump(environment, default_flow_style=False), encoding="utf-8")
    (folder / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    _PythonEnv.current().to_yaml(str(folder / "python_env.yaml"))


def schema_json(columns: Sequence[tuple[str, str]]) -> str:
    """Return a table's columns as MLflow writes a schema.

    Args:
        columns: name and Arrow type of each.
    """
    specs = [{"type": _mlflow_type(kind), "name": name, "required": False} for name, kind in columns]
    return json.dumps({"mlflow_colspec": specs})


def _mlflow_type(arrow: str) -> str:
    if arrow in ("int8", "int16", "int32", "uint8", "uint16"):
        return "integer"
    if arrow.startswith(("int", "uint")):
        return "long"
    if arrow.startswith(("date", "timestamp")):
        return "datetime"
    return {
        "bool": "boolean",
        "halffloat": "float",
        "float": "float",
        "float32": "float",
        "double": "double",
        "float64": "double",
        "binary": "binary",
        "large_binary": "binary",
    }.get(arrow, "double" if arrow.startswith("decimal") else "string")
