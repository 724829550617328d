"""The sections of the pipeline file, and the pipeline they make up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    field_validator,
    model_validator,
)

from lineal.pipeline.declared import SPAN, Declared
from lineal.pipeline.judging import Evaluate
from lineal.pipeline.section import STRICT, Section
from lineal.pipeline.values import Bound, Scalar, orderly
from lineal.redaction import redact
from lineal.settings import project_of

CheckType = Literal["integer", "number", "string", "boolean", "date", "timestamp"]


Count = Annotated[int, Field(ge=0)]
# What names datasets and jobs: Marquez answers 500 on `:` and `#`, and on names that begin with a digit.
_NAME = r"^[A-Za-z][\w.-]*$"
_ALIAS = r"^[A-Za-z0-9_-]+$"
_IMPORT_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"
# What each regular expression means, for a person.
MEANING = {
    _NAME: "should begin with a letter and hold only letters, digits, `.`, `_` and `-`",
    _ALIAS: "should hold only letters, digits, `_` and `-`",
    _IMPORT_PATH: "should be an import path such as sklearn.linear_model.LogisticRegression",
    SPAN: "should be a number of days, weeks, months or years, such as 2 years",
}
Name = Annotated[str, Field(pattern=_NAME, max_length=200)]


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
        column: the column it is about; left out for `rows_min` and `rows_max`, which are about the table.
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
    min: Bound | None = None
    max: Bound | None = None
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
        if self.allowed == ():
            raise ValueError("allowed lists no value")
        orderly("min", self.min, "max", self.max)
        orderly("rows_min", self.rows_min, "rows_max", self.rows_max)
        return self


class Split(Section):
    """How rows are held out.

    Attributes:
        test_size: the share of rows (of groups, with `group`) that is held out, in (0, 1).
        seed: seed of the draw. Rows are drawn by a hash of their id, or of all their values where there is none, so
            that a record keeps its side, but for a few at the boundary, when other rows come and go.
        stratify: keep the target's shares in both parts; left out, it is so for classification where neither `group`
            nor `time` is given.
        group: a column whose equal values stay on one side.
        time: a column of dates or numbers; the newest rows are held out.
    """

    test_size: float = Field(default=0.25, gt=0, lt=1)
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
    iterations: int | None = Field(default=None, ge=1)
    folds: int = Field(default=5, ge=2)

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

    estimator: str = Field(pattern=_IMPORT_PATH)
    params: dict[str, Any] = Field(default_factory=dict)
    threads: int = Field(default=1, ge=1)
    search: Search | None = None

    @model_validator(mode="after")
    def _searched_or_set(self) -> Self:
        both = sorted(set(self.params) & set(self.search.space)) if self.search else []
        if both:
            raise ValueError(f"{both[0]} is in params and in search.space; the search would overrule it, so keep one")
        return self


class Register(Section):
    """Where the model goes; without this section it is logged, and not registered.

    Attributes:
        name: of the registered model in MLflow.
        alias: the alias that the best version is to hold.
        approval: "other-person": the alias moves only after somebody who did not start the training has approved, by
            `lineal decide` or where a deployed run asks for it.
    """

    name: Name
    alias: Annotated[str, Field(pattern=_ALIAS, max_length=255)] | None = None
    approval: Literal["other-person"] | None = None

    @field_validator("alias", mode="after")
    @classmethod
    def _no_number(cls, alias: str | None) -> str | None:
        # MLflow keeps these words for versions.
        if alias is not None and (alias == "latest" or alias.removeprefix("v").isdigit()):
            raise ValueError("should not read as a version number")
        return alias

    @model_validator(mode="after")
    def _approved_for_an_alias(self) -> Register:
        if self.approval is not None and self.alias is None:
            raise ValueError("approval is given for an alias; write the alias that it is to move, or leave it out")
        return self


class DriftLimits(Section):
    """The limits of one column where they differ from the others'; what is left out is as for the others.

    Attributes:
        psi: as in `[drift]`.
        ks: as in `[drift]`.
        missing: as in `[drift]`.
        unseen: as in `[drift]`.
    """

    psi: float | None = Field(default=None, ge=0)
    ks: float | None = Field(default=None, ge=0)
    missing: float | None = Field(default=None, ge=0)
    unseen: float | None = Field(default=None, ge=0)


class Drift(Section):
    """How far a batch may differ from the training rows before it counts as drift.

    Attributes:
        psi: the most that a column's population stability index may be.
        ks: the most that a column's Kolmogorov-Smirnov distance may be.
        missing: the most that a column's share of missing values may be above that of the training rows.
        unseen: the most that a column's share of values outside those of the training rows may be.
        significance: the chance that a batch without any drift counts as one with; smaller batches must differ more.
        columns: other limits for some columns, a table each.
    """

    psi: float = Field(default=0.2, ge=0)
    ks: float = Field(default=0.15, ge=0)
    missing: float = Field(default=0.1, ge=0)
    unseen: float = Field(default=0.05, ge=0)
    significance: float = Field(default=0.01, gt=0, lt=1)
    columns: dict[str, DriftLimits] = Field(default_factory=dict)

    def of(self, column: str) -> Drift:
        """The limits that hold for a column."""
        own = self.columns.get(column)
        return self if own is None else self.model_copy(update=own.model_dump(exclude_none=True))


class Pipeline(BaseModel):
    """A validated pipeline file.

    Attributes:
        path: the file, absolute.
        text: its text as read, credentials taken out.
        overrides: what the command line set over it, credentials taken out.
    """

    model_config = STRICT

    name: Name
    source: Source
    model: ModelSection
    description: str | None = None
    owner: str | None = None
    checks: tuple[Check, ...] = ()
    split: Split = Split()
    evaluate: Evaluate = Evaluate()
    register_: Register | None = Field(default=None, alias="register")
    drift: Drift = Drift()
    declared: Declared | None = None

    path: Path = Field(exclude=True)
    text: str = Field(default="", exclude=True, repr=False)
    overrides: tuple[str, ...] = Field(default=(), exclude=True)

    @property
    def project(self) -> Path:
        """The folder that relative paths start from."""
        return project_of(self.path)

    @property
    def digest(self) -> str:
        """SHA-256 of the pipeline as it takes effect, whatever the file's layout and comments."""
        # What is declared changes nothing of what is made.
        return hashlib.sha256(self.model_dump_json(by_alias=True, exclude={"declared"}).encode()).hexdigest()

    @property
    def uri(self) -> str:
        """The source's URI, a relative path made absolute from the project."""
        uri = self.source.uri
        return uri if "://" in uri else str(self.project / Path(uri).expanduser())

    def table(self, part: str) -> str:
        """The logical dataset's name of one of the pipeline's own tables, such as `breast-cancer.snapshot`."""
        return f"{self.name}.{part}"

    def parameters(self) -> dict[str, str]:
        """The pipeline as flat dotted keys and text values, credentials taken out."""
        return dict(_flatten(self.model_dump(mode="json", by_alias=True, exclude_none=True)))


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, (list, tuple)) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            yield from _flatten(inner, f"{prefix}.{number}")
    else:
        yield prefix, redact(value if isinstance(value, str) else str(value))
