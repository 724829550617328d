"""Read a pipeline file and tell what is wrong with it: file, line or key, and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lineal.errors import PipelineFileError
from lineal.findings import Finding, first_finding, line_of, shown, unknown_key
from lineal.pipeline.sections import MEANING, Pipeline
from lineal.redaction import redact, redact_urls


def load(path: str | Path, *, data: str | None = None, overrides: Sequence[str] = ()) -> Pipeline:
    """Read and validate a pipeline file.

    Args:
        path: the TOML file.
        data: a source URI that takes the place of the file's `source.uri`; relative to the working folder.
        overrides: `KEY=VALUE` with a dotted key and a TOML value (a bare word is text), in order.

    Raises:
        PipelineFileError: naming file, and line or key, and what to do.
    """
    path = Path(path).absolute()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise PipelineFileError("there is no such pipeline file", path=path) from None
    except IsADirectoryError:
        raise PipelineFileError("is a folder, not a pipeline file; name the .toml file in it", path=path) from None
    except UnicodeDecodeError as problem:
        raise PipelineFileError(f"is not UTF-8 text (byte {problem.start}); save it as UTF-8", path=path) from None
    except OSError as problem:
        raise PipelineFileError(f"cannot be read: {problem.strerror}", path=path) from None
    return parse(text, path, data=data, overrides=overrides)


def parse(text: str, path: Path, *, data: str | None = None, overrides: Sequence[str] = ()) -> Pipeline:
    """Validate a pipeline file's text, such as the one that a model's record holds.

    Args:
        text: in TOML.
        path: the file that it stood in, there or not; errors name it, and relative paths start from its project.
        data: as for `load`.
        overrides: as for `load`.

    Raises:
        PipelineFileError: as `load`.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        place = re.search(r" \(at line (\d+), (column \d+)\)$", str(problem))
        said = f"{str(problem)[: place.start()]} ({place[2]})" if place else str(problem)
        line = int(place[1]) if place else None
        raise PipelineFileError(f"is not valid TOML: {said}", path=path, line=line) from None
    except RecursionError:
        raise PipelineFileError("is nested too deeply to be read", path=path) from None
    given: dict[str, str] = {}
    if data is not None:
        uri = data if "://" in data else str(Path(data).absolute())
        _set(tree, "source.uri", uri, path)
        given["source.uri"] = f"--data {data}"
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise PipelineFileError(f"--set {override}: write KEY=VALUE, such as model.params.max_depth=3", path=path)
        _set(tree, key.strip(), _toml_value(value), path)
        given[key.strip()] = f"--set {override}"
    for reserved in ("path", "text", "overrides", "register_"):
        if reserved in tree:
            line = line_of(text, [reserved])
            raise PipelineFileError(unknown_key(reserved, Pipeline, Pipeline), path=path, key=reserved, line=line)
    try:
        pipeline = _validated(tree, path, text, overrides)
    except ValidationError as problem:
        raise _explain(problem, path, text, given) from None
    if pipeline.source.query is not None and "://" not in pipeline.source.uri:
        raise PipelineFileError(
            f"source.query needs a database URL in source.uri, such as postgresql+psycopg://host/db, but that is "
            f"{shown(pipeline.source.uri)}",
            path=path,
            key="source.query",
            line=line_of(text, ["source", "query"]),
        )
    for what, name in (("target", pipeline.source.target), ("id", pipeline.source.id)):
        if name in pipeline.evaluate.groups:
            why = "each row would be a group of its own" if what == "id" else "its values are what is predicted"
            raise PipelineFileError(
                f"evaluate.groups names {name!r}, which is the {what}: {why}; name other columns",
                path=path,
                key="evaluate.groups",
                line=line_of(text, ["evaluate", "groups"]),
            )
    return pipeline


def _tupled(value: Any) -> Any:
    """Lists as tuples, which frozen sections hold."""
    if isinstance(value, Mapping):
        # Estimator parameters keep their lists: scikit-learn tells a list from a tuple.
        return {key: inner if key == "params" else _tupled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(_tupled(inner) for inner in value)
    return value


def _toml_value(text: str) -> Any:
    try:
        tree = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text.strip()
    return tree["value"] if len(tree) == 1 else text.strip()


def _set(tree: dict[str, Any], key: str, value: Any, path: Path) -> None:
    *sections, last = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise PipelineFileError(f"--set {key}: {section} is no table; set it as a whole", path=path, key=key)
    tree[last] = value


def _validated(tree: Mapping[str, Any], path: Path, text: str, overrides: Sequence[str]) -> Pipeline:
    return Pipeline.model_validate(
        {**_tupled(tree), "path": path, "text": redact_urls(text), "overrides": tuple(map(redact_urls, overrides))}
    )


def _explain(problem: ValidationError, path: Path, text: str, given: Mapping[str, str]) -> PipelineFileError:
    """The first finding as one sentence with its line, or with the arguments that brought it in."""
    finding = first_finding(problem, Pipeline, MEANING)
    if given and not _found_without_arguments(finding, path, text):
        place = _below(finding.location[:-1] if finding.missing else finding.location)
        to_blame = [said for key, said in given.items() if _below(key.split(".")).startswith(place)]
        to_blame += [said for key, said in given.items() if place.startswith(_below(key.split(".")))]
        arguments = " ".join(dict.fromkeys(to_blame or given.values()))
        return PipelineFileError(f"{redact(arguments)}: {finding.message}", path=path, key=finding.key)
    line = line_of(text, finding.location)
    return PipelineFileError(finding.message, path=path, key=finding.key or None, line=line)


def _found_without_arguments(finding: Finding, path: Path, text: str) -> bool:
    try:
        _validated(tomllib.loads(text), path, text, ())
    except ValidationError as problem:
        return first_finding(problem, Pipeline, MEANING) == finding
    return False


def _below(location: Sequence[int | str]) -> str:
    return "".join(f"{part}." for part in location)
