"""What most likely explains a change in metric, by a rule of thumb that orders what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lineal.questions.diff.code import is_code
from lineal.questions.diff.interface import Cause, CodeDiff, Setting, TableDiff
from lineal.questions.diff.settings import Settings

# Keys of the pipeline file that say who and where, and change no model.
_WORDS = (
    "name",
    "description",
    "owner",
    "pipeline.file",
    "register.",
    "checks.",
    "evaluate.gates",
    "evaluate.champion",
    "evaluate.group",
    "declared.",
)
_DECIDING = ("model.estimator", "source.target")
# What of the packages computes a model.
_COMPUTING = ("scikit-learn", "numpy", "scipy", "pandas", "lineal")
# Tables that the split makes of others.
PARTS = (".train", ".test")
_NAMED = 3


def causes(
    *,
    settings: Settings,
    tables: Sequence[TableDiff],
    gone: bool,
    code: CodeDiff | None,
    packages: Sequence[Setting],
    environment: Sequence[Setting],
    features: Sequence[Setting],
) -> tuple[Cause, ...]:
    """Order what differs by how likely it explains a change in metric.

    Args:
        settings: the settings that differ.
        tables: the tables that differ, what was started from first.
        gone: whether what was started from differs, and its bytes are gone.
        code: how the code differs.
        packages: those that differ.
        environment: what of it differs.
        features: those that only one side has.
    """
    found = [
        *_pipeline(settings.pipeline),
        *_listed("parameters", settings.parameters, 0.6),
        *_listed("seeds", settings.seeds, 0.35),
        *_data(next((table for table in tables if not _is_part(table)), None), gone, features),
        *_split(tables),
        *_code(code),
        *_listed("packages", packages, 0.25 if any(each.key in _COMPUTING for each in packages) else 0.1),
        *_listed("environment", environment, 0.1),
    ]
    return tuple(sorted(found, key=lambda cause: -cause.weight))


def matters(setting: Setting) -> bool:
    """Whether a key of the pipeline file can change what a model learns or how it is judged."""
    return not setting.key.startswith(tuple(word for word in _WORDS if word.endswith(".") or "." in word)) and (
        setting.key not in _WORDS
    )


def _pipeline(settings: Sequence[Setting]) -> Iterator[Cause]:
    telling = [setting for setting in settings if matters(setting)]
    deciding = [setting for setting in telling if setting.key in _DECIDING]
    yield from _listed("pipeline file", deciding, 1.0)
    yield from _listed("pipeline file", [setting for setting in telling if setting not in deciding], 0.5)


def _is_part(table: TableDiff) -> bool:
    """Whether a table is made of another by the split."""
    return table.left_name.endswith(PARTS)


def _data(data: TableDiff | None, gone: bool, features: Sequence[Setting]) -> Iterator[Cause]:
    if gone:
        yield Cause("data", "another version of the data, whose bytes are gone", 0.3)
    if data is None or data.equal:
        return
    rows = max(data.left_rows, data.right_rows, 1)
    share = max(data.added, data.removed, data.changed) / rows
    moved = any(change.moved for change in data.columns)
    lacking = any(change.left_type is None or change.right_type is None for change in data.columns)
    weight = min(0.95, 0.2 + 4 * share + 0.2 * moved + 0.4 * lacking)
    said = told(data)
    if features and not lacking:
        said += f", features differ: {_some([setting.key for setting in features])}"
    yield Cause("data", f"{said} (of {rows:,})", weight)


def told(data: TableDiff) -> str:
    """How two tables differ, in a phrase."""
    said = [
        f"{count:,} row{'' if count == 1 else 's'} {what}"
        for count, what in ((data.added, "added"), (data.removed, "removed"), (data.changed, "changed"))
        if count
    ]
    moved = [change.name for change in data.columns if change.moved]
    lacking = [change.name for change in data.columns if change.left_type is None or change.right_type is None]
    if moved:
        said.append(f"{_some(moved)} moved")
    if lacking:
        said.append(f"columns differ: {_some(lacking)}")
    return ", ".join(said) or "types of columns differ"


def _split(tables: Sequence[TableDiff]) -> Iterator[Cause]:
    """Other rows held out: a metric may differ by which rows it was taken on."""
    test = next((table for table in tables if table.left_name.endswith(".test")), None)
    if test is None or not (test.added or test.removed):
        return
    share = max(test.added / max(test.right_rows, 1), test.removed / max(test.left_rows, 1))
    said = f"{test.removed:,} of {test.left_rows:,} held-out rows are gone, {test.added:,} are new"
    yield Cause("split", said, min(0.9, 0.25 + 0.6 * share))


def _code(code: CodeDiff | None) -> Iterator[Cause]:
    if code is None:
        return
    files = [change.path for change in code.files if is_code(change.path)]
    if files:
        yield Cause("code", f"{len(files)} file{'' if len(files) == 1 else 's'} of code: {_some(files)}", 0.4)
    elif code.note:
        yield Cause("code", code.note, 0.3)
    else:
        yield Cause("code", "another commit, no file of code in it", 0.02)


def _listed(aspect: str, settings: Sequence[Setting], weight: float) -> Iterator[Cause]:
    if settings:
        said = [f"{each.key} {_value(each.left)} → {_value(each.right)}" for each in settings[:_NAMED]]
        more = f", and {len(settings) - _NAMED} more" if len(settings) > _NAMED else ""
        yield Cause(aspect, f"{', '.join(said)}{more}", weight)


def _value(value: str | None) -> str:
    return "-" if value is None else value


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
