"""The project's own flow: found through `prefect.yaml`, so that users can put theirs in its place."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal.errors import ProjectError

if TYPE_CHECKING:
    from prefect import Flow

FILE = "prefect.yaml"
# The parameter of a deployment tells a flow that trains from one that predicts.
_TRAINING = "`entrypoint: flows.train.train` and `parameters: {pipeline: pipelines/NAME.toml}`"
_PREDICTION = "`entrypoint: flows.predict.predict` and `parameters: {model: 'model:NAME@ALIAS', data: PATH}`"


@dataclass(frozen=True, slots=True)
class Entrypoint:
    """Where a project's flow stands.

    Attributes:
        path: as Prefect writes it: a module path, `flows.train.train`, or `FILE:FUNCTION`.
        folder: the project's folder, absolute; what `path` is relative to.
    """

    path: str
    folder: Path


def flow_entrypoint(pipeline: Path | None, folder: Path) -> Entrypoint:
    """Find the flow that runs a pipeline file, in the nearest `prefect.yaml` upwards from `folder`.

    It is the entrypoint of the first deployment whose `parameters.pipeline` is that file; where the file has no
    deployment (or none is given), that of the first deployment with a `pipeline` parameter at all.

    Args:
        pipeline: the pipeline file; a relative path is relative to `folder`.
        folder: the working folder.

    Raises:
        ProjectError: there is no `prefect.yaml`, it cannot be read, or no deployment in it fits.
    """
    file, candidates = _candidates(folder.absolute(), "pipeline", _TRAINING)
    wanted = None if pipeline is None else (folder.absolute() / pipeline).resolve()
    of_this_file = [entrypoint for path, entrypoint in candidates if (file.parent / path).resolve() == wanted]
    return Entrypoint((of_this_file or [entrypoint for _, entrypoint in candidates])[0], file.parent)


def prediction_entrypoint(model: str, folder: Path) -> Entrypoint:
    """Find the flow that predicts with a registered model, in the nearest `prefect.yaml` upwards from `folder`.

    It is the entrypoint of the first deployment whose `parameters.model` is a version or alias of that model; where the
    model has no deployment, that of the first deployment with a `model` parameter at all.

    Args:
        model: the registered model's name.
        folder: the working folder.

    Raises:
        ProjectError: as `flow_entrypoint`.
    """
    file, candidates = _candidates(folder.absolute(), "model", _PREDICTION)
    of_this_model = [path for given, path in candidates if _model_of(given) == model]
    return Entrypoint((of_this_model or [path for _, path in candidates])[0], file.parent)


def _model_of(given: str) -> str:
    name, at, rest = given.removeprefix("model:").rpartition("@")
    return name if at else rest


def _candidates(folder: Path, parameter: str, example: str) -> tuple[Path, list[tuple[str, str]]]:
    """The project's file, and of each deployment with a parameter its value and the entrypoint."""
    file = next((up / FILE for up in (folder, *folder.parents) if (up / FILE).is_file()), None)
    if file is None:
        raise ProjectError(
            f"there is no {FILE} in {folder} or in any folder above it; run this inside a Lineal project, "
            f"or write one with a deployment that has an entrypoint and a `{parameter}` parameter"
        )
    candidates = [
        (str(parameters[parameter]), deployment["entrypoint"])
        for deployment in _deployments(file)
        if isinstance(parameters := deployment.get("parameters"), dict)
        and parameter in parameters
        and isinstance(deployment.get("entrypoint"), str)
    ]
    if not candidates:
        raise ProjectError(
            f"{file}: no deployment has both an entrypoint and a `{parameter}` parameter, so there is no flow to run; "
            f"give one such as {example}"
        )
    return file, candidates


def load_flow(entrypoint: Entrypoint) -> Flow[..., Any]:
    """Import a flow, with its project's folder on the import path.

    Raises:
        ProjectError: its module cannot be imported, or holds no such flow.
    """
    from prefect import Flow
    from prefect.flows import load_flow_from_entrypoint

    root = str(entrypoint.folder)
    if root not in sys.path:
        sys.path.insert(0, root)
    where = f"the entrypoint {entrypoint.path} of {entrypoint.folder / FILE}"
    file, colon, _ = entrypoint.path.rpartition(":")
    try:
        if colon and file.endswith(".py"):
            return load_flow_from_entrypoint(str(entrypoint.folder / entrypoint.path), use_placeholder_flow=False)
        module, _, name = entrypoint.path.replace(":", ".").rpartition(".")
        found = getattr(importlib.import_module(module), name, None) if module else None
    except ModuleNotFoundError as problem:
        raise ProjectError(
            f"{where} cannot be imported: there is no module {problem.name}; mend the entrypoint, or install the module"
        ) from problem
    except Exception as problem:  # importing the user's module may raise anything
        raise ProjectError(
            f"{where} cannot be imported: {type(problem).__name__}: {problem}; mend it there"
        ) from problem
    if not isinstance(found, Flow):
        raise ProjectError(
            f"{where} is no flow; write the module path of a function under @flow, such as flows.train.train"
        )
    return found


def _deployments(file: Path) -> list[dict[str, Any]]:
    import yaml

    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as problem:
        line = f":{problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise ProjectError(f"{file}{line}: is not valid YAML: {problem.problem}; mend that line") from None
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise ProjectError(f"{file} cannot be read: {problem}; mend the file") from None
    deployments = tree.get("deployments") if isinstance(tree, dict) else None
    if deployments is not None and not isinstance(deployments, list):
        raise ProjectError(f"{file}: `deployments` should be a list; see https://docs.prefect.io for its form")
    return [deployment for deployment in deployments or [] if isinstance(deployment, dict)]
