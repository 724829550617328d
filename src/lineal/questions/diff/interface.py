"""What `diff` answers: plain frozen data, an aspect each."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Setting:
    """One key whose value differs; None where a side has no such key."""

    key: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """What a column holds on one side.

    Attributes:
        missing: how many values are null or NaN.
        mean: of numbers, dates and moments as seconds since 1970; None for other types or where all is missing.
        std: the standard deviation of the same.
        top: the most frequent value of a column of text or truth values.
    """

    missing: int
    mean: float | None = None
    std: float | None = None
    top: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that differs.

    Attributes:
        name: of the column.
        left_type: its type on the left; None where it is not there.
        right_type: its type on the right; None where it is not there.
        cells: how many values differ among the rows that both sides have; None where rows have no id to be matched by.
        left: what it holds on the left; None where the column is on one side only.
        right: what it holds on the right.
        test: `KS` (Kolmogorov-Smirnov, two samples) for numbers and times, `chi-square` for text and truth values;
            None where neither makes sense, as for a column that is empty on a side.
        statistic: of that test: KS's distance, or chi-square's sum.
        p_value: of the test, or of the share of missing values where that is less likely by chance.
        psi: the population stability index over the deciles (or categories) of both sides together.
        moved: whether the distribution differs by more than chance: p, times the columns tested, below 0.01.
    """

    name: str
    left_type: str | None
    right_type: str | None
    cells: int | None = None
    left: ColumnFigures | None = None
    right: ColumnFigures | None = None
    test: str | None = None
    statistic: float | None = None
    p_value: float | None = None
    psi: float | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One value that differs, of one row."""

    id: str
    column: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class TableDiff:
    """How two dataset versions differ.

    By an id, `removed + changed + unchanged` are the rows of the left, `added + changed + unchanged` those of the
    right. By content no row is changed: it is removed and another added.

    Attributes:
        id: the column that rows are matched by; None where it is their content.
        columns: those that differ, the most telling first.
        equal_columns: how many do not.
        examples: some of the values that differ.
        added_ids: some of the ids that only the right has.
        removed_ids: some of those that only the left has.
        notes: a sentence for each thing that a reader should know, such as an id that is not unique.
    """

    left_name: str
    right_name: str
    left_version: str
    right_version: str
    left_rows: int
    right_rows: int
    added: int
    removed: int
    changed: int
    unchanged: int
    id: str | None = None
    columns: tuple[ColumnChange, ...] = ()
    equal_columns: int = 0
    examples: tuple[Cell, ...] = ()
    added_ids: tuple[str, ...] = ()
    removed_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows and columns, in whatever order."""
        return not (self.added or self.removed or self.changed or self.columns)


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs between two commits; None lines for one that is not text."""

    path: str
    added: int | None
    removed: int | None


@dataclass(frozen=True, slots=True)
class CodeDiff:
    """How the code differs.

    Attributes:
        left: the commit; None where there was no git.
        right: the commit.
        left_dirty: whether files differed from it.
        right_dirty: whether files differed from it.
        files: of `git diff --numstat`, those of the project's code first.
        note: why there are none, or what they leave out.
    """

    left: str | None
    right: str | None
    left_dirty: bool
    right_dirty: bool
    files: tuple[FileChange, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MetricChange:
    """A metric that differs.

    Attributes:
        name: such as `roc_auc`.
        of: what it was taken on: `held-out` or `cross-validation`.
        left: its value.
        right: its value.
        noise: what a difference may be by chance: of held-out rows twice the standard error of the difference by the
            bootstrap, of a cross-validation the greater standard deviation over folds; None where it is not known.
        within_noise: whether the difference is at most that; None where it is not known.
    """

    name: str
    of: str
    left: float | None
    right: float | None
    noise: float | None = None
    within_noise: bool | None = None


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A metric of a group that differs by more than chance, or that only one side can tell.

    Attributes:
        by: the columns of its grouping.
        group: its name; None for the gap between the groups.
        metric: its name.
        left: its value; None where it cannot be told.
        right: its value.
        left_rows: held-out rows of the group; None where it is not there, or for a gap.
        right_rows: the same on the right.
        noise: the standard error of the difference, by the intervals of both sides; None where it is not known.
        note: why a side has no value.
    """

    by: tuple[str, ...]
    group: str | None
    metric: str
    left: float | None
    right: float | None
    left_rows: int | None = None
    right_rows: int | None = None
    noise: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class GroupsDiff:
    """How the metrics of groups differ.

    Attributes:
        moved: those that do by more than chance, the largest differences first.
        compared: how many figures both sides can tell.
        only: columns that only one side groups by, with the side.
    """

    moved: tuple[GroupChange, ...] = ()
    compared: int = 0
    only: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class RowChange:
    """A held-out row that is predicted otherwise; the probabilities are those of the left's prediction."""

    id: str
    actual: str
    left: str
    right: str
    left_probability: float | None = None
    right_probability: float | None = None


@dataclass(frozen=True, slots=True)
class PredictionDiff:
    """How predictions on common held-out rows differ.

    Attributes:
        common: how many held-out rows both models were judged on.
        changed: how many of them are predicted otherwise.
        now_right: of these, how many only the right predicts rightly; None for a regression.
        now_wrong: how many only the left predicts rightly; None for a regression.
        mean_change: mean absolute difference, of numbers, or of probabilities.
        most: those that differ most.
        note: what they were matched by, or why they could not be.
    """

    common: int
    changed: int
    now_right: int | None = None
    now_wrong: int | None = None
    mean_change: float | None = None
    most: tuple[RowChange, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ImportanceChange:
    """A feature whose importance differs, or that one side lacks.

    Attributes:
        spread: the greater standard deviation over the repeats; None where it is not known.
        beyond_noise: whether the difference is more than twice that.
    """

    feature: str
    left: float | None
    right: float | None
    spread: float | None = None
    beyond_noise: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that differs and may explain a change in metric.

    Attributes:
        aspect: data, parameters, pipeline file, seeds, code, packages or environment.
        sentence: what differs, for a person.
        weight: how likely it explains a change, from 0 to 1; a rule of thumb for ordering, no probability.
    """

    aspect: str
    sentence: str
    weight: float


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    subject: str
    run_id: str | None = None
    at: str | None = None
    by: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """The answer to `diff`.

    Attributes:
        same: whether both subjects name the very same thing.
        verdict: one sentence.
        causes: what may explain a change in metric, the most likely first.
        groups: how the metrics of groups differ; None where no side tells of groups.
        tables: the dataset versions that differ.
        features: that only one side's model takes (Setting with None on the other).
        equal: the aspects that are equal, by name.
        missing: a sentence for each thing that could not be compared, as its bytes are gone.
    """

    left: Side
    right: Side
    same: bool
    verdict: str
    causes: tuple[Cause, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    groups: GroupsDiff | None = None
    tables: tuple[TableDiff, ...] = ()
    pipeline: tuple[Setting, ...] = ()
    parameters: tuple[Setting, ...] = ()
    seeds: tuple[Setting, ...] = ()
    code: CodeDiff | None = None
    packages: tuple[Setting, ...] = ()
    environment: tuple[Setting, ...] = ()
    features: tuple[Setting, ...] = ()
    importances: tuple[ImportanceChange, ...] = ()
    predictions: PredictionDiff | None = None
    equal: tuple[str, ...] = ()
    missing: tuple[str, ...] = field(default=())
