"""The pipeline file: one TOML file that says what to read, check, split, fit, hold to and register.

`load` reads and validates it without importing pandas or scikit-learn, so that a mistake is reported at once.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from lineal.errors import PipelineFileError
from lineal.redaction import redact
from lineal.settings import project_of

Scalar = bool | int | float | str
CheckType = Literal["integer", "number", "string", "boolean", "date", "timestamp"]


def _no_bool(value: Any) -> Any:
    # TOML keeps true and 1 apart; pydantic would take one for the other.
    if isinstance(value, bool):
        raise ValueError("must be a number, not a boolean")
    return value


Integer = Annotated[int, BeforeValidator(_no_bool)]
Number = Annotated[float, BeforeValidator(_no_bool)]
Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)]
# What names datasets and jobs: Marquez answers 500 on `:` and `#`, and on names that begin with a digit.
Name = Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]*$", max_length=200)]


class Section(BaseModel):
    """A table of the pipeline file; keys it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(Section):
    """Where the rows come from, and which columns are no features.

    Attributes:
        uri: a file, folder or glob of CSV, Parquet or JSON lines; any fsspec URI; or a database URL with `query`.
            `${NAME}` is replaced from the environment when it is read, so that a password need not stand here.
        query: the SQL that gives the rows, where `uri` is a database.
        target: the column to predict.
        id: the column that names a record across versions.
        drop: columns that are never features.
    """

    uri: str = Field(min_length=1)
    target: str = Field(min_length=1)
    query: str | None = None
    id: str | None = None
    drop: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _target_apart(self) -> Self:
        if self.target == self.id:
            raise ValueError("target and id are the same column")
        if self.target in self.drop:
            raise ValueError("drop names the target; a column cannot be both predicted and dropped")
        return self


class Check(Section):
    """One clause of the data's contract: about a column, or about the table's rows.

    Attributes:
        column: the column it is about; None for the table's `rows_min` and `rows_max`.
        min: smallest allowed value, of a number or a date.
        max: largest allowed value.
        nulls: False where no value may be missing.
        unique: True where no value may come twice.
        allowed: the only allowed values.
        type: the column's type.
        rows_min: fewest rows of the table.
        rows_max: most rows of the table.
    """

    column: str | None = None
    min: Number | date | datetime | None = None
    max: Number | date | datetime | None = None
    nulls: bool | None = None
    unique: bool | None = None
    allowed: tuple[Scalar, ...] | None = None
    type: CheckType | None = None
    rows_min: Count | None = None
    rows_max: Count | None = None

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        of_column = {"min", "max", "nulls", "unique", "allowed", "type"} & self.model_fields_set
        of_table = {"rows_min", "rows_max"} & self.model_fields_set
        if self.column is None and of_column:
            raise ValueError(f"{', '.join(sorted(of_column))} needs a `column`")
        if self.column is not None and of_table:
            raise ValueError(f"{', '.join(sorted(of_table))} is about the table; leave `column` out")
        if not of_column | of_table:
            raise ValueError(
                "the check asks for nothing; give one of min, max, nulls, unique, allowed, type, rows_min, rows_max"
            )
        return self


class Split(Section):
    """How rows are held out.

    Attributes:
        test_size: the share of rows (of groups, with `group`) that is held out, in (0, 1).
        seed: seed of the draw.
        stratify: keep the target's shares in both parts; None means: for classification, where neither `group` nor
            `time` is given.
        group: a column whose equal values stay on one side.
        time: a column of dates or numbers; the newest rows are held out.
    """

    test_size: Number = Field(default=0.25, gt=0, lt=1)
    seed: Count = 0
    stratify: bool | None = None
    group: str | None = None
    time: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name, on in (("stratify", self.stratify), ("group", self.group), ("time", self.time)) if on]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} exclude each other; keep one")
        return self


class Search(Section):
    """A search over parameters, scored by cross-validation on the training rows.

    Attributes:
        space: the values to try, a list a parameter.
        method: every combination, or `iterations` of them drawn at random.
        iterations: how many combinations `random` draws.
        folds: folds of the cross-validation.
    """

    space: dict[str, tuple[Any, ...]] = Field(min_length=1)
    method: Literal["grid", "random"] = "grid"
    iterations: Integer | None = Field(default=None, ge=1)
    folds: Integer = Field(default=5, ge=2)

    @model_validator(mode="after")
    def _iterations_where_random(self) -> Self:
        if self.method == "grid" and self.iterations is not None:
            raise ValueError('iterations is for method = "random"; a grid tries every combination')
        if self.method == "random" and self.iterations is None:
            raise ValueError('method = "random" needs `iterations`')
        empty = [name for name, values in self.space.items() if not values]
        if empty:
            raise ValueError(f"space.{empty[0]} has no values to try")
        return self


class ModelSection(Section):
    """What is fitted.

    Attributes:
        estimator: import path of a scikit-learn estimator; it is imported, never evaluated.
        params: its constructor's parameters.
        threads: BLAS and OpenMP threads while fitting; they change the last bits of many models.
        search: a search over parameters, if any.
    """

    estimator: str = Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
    params: dict[str, Any] = Field(default_factory=dict)
    threads: Integer = Field(default=1, ge=1)
    search: Search | None = None


class Gate(Section):
    """A bound that a held-out metric must keep for the model to be registered."""

    metric: str
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a gate needs `min` or `max`")
        return self


class Champion(Section):
    """What a challenger must beat the alias's holder in, on the same held-out rows, by more than `margin`."""

    metric: str
    margin: Number = Field(default=0.0, ge=0)


class Evaluate(Section):
    """How the model is judged: scikit-learn scorer names (greater is better), gates, and the champion's rule."""

    metrics: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()
    champion: Champion | None = None


class Register(Section):
    """Where the model goes: a name in MLflow's registry, and the alias it is to hold."""

    name: Name
    alias: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=255)] | None = None

    @field_validator("alias", mode="after")
    @classmethod
    def _no_number(cls, alias: str | None) -> str | None:
        # MLflow keeps these words for versions.
        if alias is not None and (alias == "latest" or alias.removeprefix("v").isdigit()):
            raise ValueError(f"{alias!r} cannot be an alias: it would read as a version number")
        return alias


class Pipeline(BaseModel):
    """A validated pipeline file.

    Attributes:
        path: the file, absolute.
        text: its text as read, credentials taken out.
        overrides: what the command line set over it, credentials taken out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name
    source: Source
    model: ModelSection
    description: str | None = None
    owner: str | None = None
    checks: tuple[Check, ...] = ()
    split: Split = Split()
    evaluate: Evaluate = Evaluate()
    register_: Register | None = Field(default=None, alias="register")

    path: Path = Field(exclude=True)
    text: str = Field(default="", exclude=True, repr=False)
    overrides: tuple[str, ...] = Field(default=(), exclude=True)

    @field_validator("checks", mode="after")
    @classmethod
    def _orderly(cls, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        for check in checks:
            if check.min is not None and check.max is not None and _above(check.min, check.max):
                raise ValueError(f"min {check.min} is above max {check.max} for {check.column!r}")
        return checks

    @property
    def project(self) -> Path:
        """The folder that relative paths start from."""
        return project_of(self.path)

    @property
    def digest(self) -> str:
        """SHA-256 of the pipeline as it takes effect, whatever the file's layout and comments."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    @property
    def uri(self) -> str:
        """The source's URI, a relative path made absolute from the project."""
        uri = self.source.uri
        return uri if "://" in uri or Path(uri).is_absolute() else str(self.project / uri)

    def table(self, part: str) -> str:
        """The logical dataset's name of one of the pipeline's own tables, such as `breast-cancer.snapshot`."""
        return f"{self.name}.{part}"

    def parameters(self) -> dict[str, str]:
        """The pipeline as flat dotted keys and text values, credentials taken out."""
        return dict(_flatten(self.model_dump(mode="json", by_alias=True, exclude_none=True)))


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
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise PipelineFileError("there is no such pipeline file", path=path) from None
    except IsADirectoryError:
        raise PipelineFileError("is a folder, not a pipeline file; name the .toml file in it", path=path) from None
    except UnicodeDecodeError as problem:
        raise PipelineFileError(f"is not UTF-8 text (byte {problem.start}); save it as UTF-8", path=path) from None
    except OSError as problem:
        raise PipelineFileError(f"cannot be read: {problem.strerror}", path=path) from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise PipelineFileError(f"is not valid TOML: {problem}", path=path) from None
    if data is not None:
        uri = data if "://" in data else str(Path(data).absolute())
        _set(tree, "source.uri", uri, path)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise PipelineFileError(f"--set {override}: write KEY=VALUE, such as model.params.max_depth=3", path=path)
        _set(tree, key.strip(), _toml_value(value), path)
    for reserved in ("path", "text", "overrides", "register_"):
        if reserved in tree:
            raise PipelineFileError(_unknown(reserved, Pipeline), path=path, key=reserved)
    try:
        pipeline = Pipeline.model_validate(
            {**_tupled(tree), "path": path, "text": redact(text), "overrides": tuple(map(redact, overrides))}
        )
    except ValidationError as problem:
        raise _explain(problem, path, text) from None
    database = "://" in pipeline.source.uri and pipeline.source.query is not None
    if pipeline.source.query is not None and not database:
        raise PipelineFileError(
            "source.query needs a database URL in source.uri, such as postgresql+psycopg://host/db",
            path=path,
            key="source.query",
        )
    return pipeline


def _above(low: float | date, high: float | date) -> bool:
    try:
        return bool(low > high)  # type: ignore[operator]  # a date beside a number is told below
    except TypeError:
        raise ValueError("min and max are of different types") from None


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
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _set(tree: dict[str, Any], key: str, value: Any, path: Path) -> None:
    *sections, last = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise PipelineFileError(f"--set {key}: {section} is no table", path=path, key=key)
    tree[last] = value


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, (list, tuple)) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            yield from _flatten(inner, f"{prefix}.{number}")
    else:
        yield prefix, redact(value if isinstance(value, str) else str(value))


def _unknown(key: str, section: type[BaseModel]) -> str:
    known = [field.alias or name for name, field in section.model_fields.items() if not field.exclude]
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    return f"{key} is no key here; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")


def _explain(problem: ValidationError, path: Path, text: str) -> PipelineFileError:
    """The first finding as one sentence with its key and, where it can be found, its line."""
    finding = min(problem.errors(), key=lambda error: (error["type"] != "extra_forbidden", len(error["loc"])))
    loc = [part for part in finding["loc"] if not (isinstance(part, str) and part in _BRANCHES)]
    key = ".".join(str(part) for part in loc)
    line = _line_of(text, [part for part in loc if isinstance(part, str)])
    if finding["type"] == "extra_forbidden":
        message = f"[{'.'.join(map(str, loc[:-1])) or 'top level'}] {_unknown(str(loc[-1]), _section_at(loc[:-1]))}"
    elif finding["type"] == "missing":
        message = f"{key} is missing; add it"
    elif finding["type"] == "value_error":
        message = (
            f"[{key}] {finding['msg'].removeprefix('Value error, ')}"
            if key
            else finding["msg"].removeprefix("Value error, ")
        )
    else:
        detail = finding["msg"][0].lower() + finding["msg"][1:]
        message = f"{key} = {redact(repr(finding['input']))[:80]}: {detail}"
    return PipelineFileError(message, path=path, key=key or None, line=line)


# What pydantic puts into a location to say which branch of a union it tried.
_BRANCHES = {
    "float",
    "int",
    "bool",
    "str",
    "date",
    "datetime",
    "function-before[_no_bool(), float]",
    "function-before[_no_bool(), int]",
}


def _section_at(loc: Sequence[int | str]) -> type[BaseModel]:
    section: type[BaseModel] = Pipeline
    for part in loc:
        if isinstance(part, int):
            continue
        field = next((field for name, field in section.model_fields.items() if part in (name, field.alias)), None)
        found = next((inner for inner in _models_in(field.annotation)), None) if field else None
        if found is None:
            break
        section = found
    return section


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)


def _line_of(text: str, names: Sequence[str]) -> int | None:
    """The line on which the key stands, where a plain reading finds exactly one."""
    if not names:
        return None
    heads = {".".join(names[:-1]), f"[{'.'.join(names[:-1])}]"}
    section, found = "", []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("["):
            section = line.strip("[]").strip()
            if section == ".".join(names):
                found.append(number)
        elif line.split("=")[0].strip() == names[-1] and (section in heads):
            found.append(number)
    return found[0] if len(found) == 1 else None
