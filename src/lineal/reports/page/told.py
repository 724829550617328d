"""What a page says of a dataset version, a run or a prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal.questions.dossier import Account, Dossier
from lineal.questions.prediction import Prediction
from lineal.reports.page.words import MINUS, NOTHING, counted, figure
from lineal.reports.terminal import moment, span

if TYPE_CHECKING:
    from lineal.models.attribution.attribute import Contribution
    from lineal.questions.importances import ColumnImportance
    from lineal.reports.page.pedigree import Step

_KINDS = {"dataset": "Dataset", "run": "Run", "prediction": "Prediction"}
_MOST_VALUES = 60
_MOST_ANSWERS = 12
_MOST_FACETS = 200


def kind(about: Account) -> str:
    """What it is, in a word."""
    return _KINDS.get(about.subject.partition(":")[0], "Subject")


def name(about: Account) -> str:
    """What it is called, without its version."""
    rest = about.subject.partition(":")[2]
    return rest.rpartition("@")[0] or rest if kind(about) == "Dataset" else rest


def facts(about: Account, base: Path | None = None) -> list[tuple[str, str]]:
    """What is on record of it, a line each."""
    if about.prediction is not None:
        return _prediction_facts(about.prediction.prediction, base)
    found, node, flow = about.trace, about.trace.node, about.trace.flow
    asked = next((run for run in found.runs if f"run:{run.run_id}" == found.subject), None)
    rows: list[tuple[str, str]] = []
    if asked is not None:
        took = span(asked.started_at, asked.ended_at)
        rows += [("job", asked.job), ("ended as", asked.state)]
        rows += [("when", f"{moment(asked.started_at)}{f', {took}' if took else ''}")]
        error = asked.facets.get("errorMessage") or {}
        if error:
            rows.append(("error", str(error.get("message", ""))))
        rows += [
            (f"{said} {each['name']}", _statistics(each))
            for said, sets in (("read", asked.inputs), ("wrote", asked.outputs))
            for each in sets[:_MOST_FACETS]
        ]
    elif node is not None:
        rows += [("version", node.version or "not known")]
        if node.rows is not None:
            rows.append(("rows", f"{node.rows:,}"))
        if node.size is not None:
            rows.append(("size", counted(node.size, "byte")))
        made = next((run for run in found.runs if run.run_id == node.run_id), None)
        rows.append(("made by", f"{made.job}, {moment(made.ended_at)}" if made else "nothing on record made it"))
    if flow is not None:
        environment = flow.facets.get("lineal_environment") or {}
        rows.append(("flow", f"{flow.job}, {flow.state}"))
        if environment.get("user"):
            rows.append(("started by", str(environment["user"])))
        if environment.get("gitCommit"):
            rows.append(("code", f"commit {str(environment['gitCommit'])[:12]}"))
    return rows


def columns(about: Account) -> list[tuple[str, str]]:
    """The columns of a dataset version and their types, where a run named them."""
    node = about.trace.node
    if node is None or about.prediction is not None or kind(about) != "Dataset":
        return []
    for run in reversed(about.trace.runs):
        for each in (*run.outputs, *run.inputs):
            facets: Mapping[str, Any] = each.get("facets") or {}
            same = (facets.get("version") or {}).get("datasetVersion", "") == node.version
            if each.get("name") == node.name and same and "schema" in facets:
                return [(str(f["name"]), str(f.get("type", ""))) for f in facets["schema"].get("fields") or ()]
    return []


def values(asked: Prediction) -> tuple[list[tuple[str, str]], int]:
    """What the row held that was scored, and how many more columns it had."""
    found = [(str(key), held(asked, key)) for key in asked.input or {}]
    return found[:_MOST_VALUES], max(len(found) - _MOST_VALUES, 0)


def answers(asked: Prediction) -> list[tuple[str, float]]:
    """The probabilities or scores of a prediction, the greatest first."""
    ordered = sorted(asked.answers.items(), key=lambda item: -item[1])
    return [(key.partition("_")[2], value) for key, value in ordered[:_MOST_ANSWERS]]


def _prediction_facts(asked: Prediction, base: Path | None) -> list[tuple[str, str]]:
    then = asked.model
    held = f", which held {' '.join(f'@{alias}' for alias in then.aliases)}" if then.aliases else ""
    rows = [
        ("model", f"{asked.descent.subject}{held}"),
        ("estimator", then.estimator),
        ("when", moment(asked.predicted_at)),
        ("row", f"{asked.row:,} of {asked.rows or 0:,} in the batch"),
    ]
    if asked.source is not None:
        rows.append(("read from", f"{_below(asked.source.uri, base)}, record {asked.source.row:,}"))
        if asked.source.version:
            rows.append(("its MD5", asked.source.version))
    return rows


def answer(asked: Prediction) -> str:
    """What was predicted, and with what probability."""
    likely = asked.answers.get(f"probability_{asked.value}")
    with_it = f", with a probability of {likely:.1%}" if likely is not None else ""
    return f"{asked.model.target or 'predicted'}: {_value(asked.value) or 'gone'}{with_it}"


def _value(value: Any) -> str:
    """A value as a person writes it; empty where there is none."""
    if value is None:
        return ""
    return figure(value) if isinstance(value, float) else str(value)


def held(asked: Prediction, column: str) -> str:
    """What a row held in a column."""
    there = asked.input or {}
    return (_value(there[column]) or "missing") if column in there else NOTHING


def _below(uri: str, base: Path | None) -> str:
    path = Path(uri.removeprefix("file://"))
    return path.relative_to(base).as_posix() if base is not None and path.is_relative_to(base) else uri


def _statistics(each: Mapping[str, Any]) -> str:
    facets = {**(each.get("inputFacets") or {}), **(each.get("outputFacets") or {})}
    rows = (facets.get("outputStatistics") or facets.get("inputStatistics") or {}).get("rowCount")
    version = ((each.get("facets") or {}).get("version") or {}).get("datasetVersion", "")
    said = [str(version)[:12]] if version else []
    return ", ".join([*said, *([counted(rows, "row")] if isinstance(rows, int) else [])]) or "no version"


def steps_words(steps: Sequence[Step]) -> str:
    """The lines of a pedigree's table, counted by what they are of."""
    kinds = Counter(step.kind for step in steps)
    by_kind = [counted(number, one) for one, number in kinds.items()]
    return f"{counted(len(steps), 'version')}, a line each: {', '.join(by_kind)}"


def measures_words(columns: int, measures: Sequence[str]) -> str:
    """The table of importances, by what is in it."""
    return f"{counted(columns, 'column')} in figures, by {counted(len(measures), 'measure')}: {', '.join(measures)}"


def shown(value: float) -> str:
    """A figure with its sign."""
    return f"{'+' if value >= 0 else MINUS}{figure(abs(value))}"


def commands(about: Account) -> list[tuple[str, str]]:
    """What asks the record the same again."""
    trace = (f"lineal trace {about.subject}", "where it came from, down to source files, code and people")
    if about.prediction is not None:
        model = about.prediction.prediction.descent.subject
        return [trace, (f"lineal verify {model}", "that the model and its data are there, and untouched since")]
    asked = [trace, (f"lineal impact {about.subject}", "what came of it: tables, models, predictions")]
    if kind(about) == "Dataset":
        asked.append((f"lineal verify {about.subject}", "that its bytes are there, and untouched since"))
    return asked


def bars_of(found: Sequence[ColumnImportance]) -> list[tuple[str, float, float | None]]:
    """What shuffling each column costs, for a picture."""
    return [(each.column, each.permutation or 0.0, each.permutation_std) for each in found]


def contributions_of(found: Sequence[Contribution]) -> list[tuple[str, float, float | None]]:
    """What each column adds to a prediction, for a picture."""
    return [(each.column, each.value, each.error) for each in found]


def heat(count: int, whole: int) -> int:
    """How dark a cell of a confusion matrix is, from 0 to 8."""
    return round(8 * count / whole) if whole else 0


def texts(about: Dossier) -> list[tuple[str, str]]:
    """The pipeline file that is kept with the run."""
    return [
        (name, data.decode("utf-8", errors="replace"))
        for name, data in sorted(about.files.items())
        if name.startswith("pipeline/") and name.endswith(".toml")
    ]
