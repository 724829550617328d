"""What a page says of a model: its figures, gates, data, decisions and controls, ready to be put into sections."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineal.questions.audit import VERDICTS, Applied, Result, Verdict
from lineal.questions.dossier import Dossier
from lineal.questions.gates import found as gate_found
from lineal.questions.trace import Node
from lineal.reports.page.meanings import meaning
from lineal.reports.page.words import NOTHING, counted, figure, short

_OF = {"held-out": "held-out rows", "cross-validation": "cross-validation", "train": "training rows"}
_WORDS = {"r2": "R²", "roc_auc": "ROC AUC", "f1": "F1", "roc_auc_ovr": "ROC AUC, each class against the rest"}
_ACTIONS = {
    "register": "registered",
    "reject": "rejected",
    "move-alias": "given an alias",
    "keep-alias": "left without the alias",
    "ask-approval": "sent for approval",
}
_TALLY: Mapping[Verdict, str] = {
    "pass": "supports {}",
    "fail": "contradicts {}",
    "open": "does not show {}",
    "review": "leaves {} to a person",
    "n/a": "{} out of scope",
}
_FIGURE = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_NUMBER = re.compile(_FIGURE)
_LIMIT = re.compile(rf"(\w+) ([<>]= {_FIGURE})(?: and ([<>]= {_FIGURE}))?")
# What the page draws of its own, out of the same numbers.
_DRAWN = ("feature_importance", "confusion_matrix", "roc_curve", "precision_recall_curve")
_DRAWN_REGRESSION = ("predicted_against_actual", "residuals", "feature_importance")


@dataclass(frozen=True, slots=True)
class Figures:
    """A metric on all that it was taken on.

    Attributes:
        words: for a person.
        scorer: scikit-learn's name.
        less: whether less is better, as of an error; scikit-learn's scorers give these with a minus, the page without.
        values: value and spread by what it was taken on.
        interval: of the held-out value.
    """

    words: str
    scorer: str
    less: bool
    values: Mapping[str, tuple[float, float | None]]
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate, as it was held."""

    expected: str
    actual: str
    held: bool


def figures(about: Dossier) -> list[Figures]:
    """The metrics, a line each, in the order of the pipeline file."""
    found: dict[str, dict[str, tuple[float, float | None]]] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for metric in about.metrics:
        if metric.of not in _OF:
            continue
        sign = -1 if metric.name.startswith("neg_") else 1
        found.setdefault(metric.name, {})[metric.of] = (sign * metric.value, metric.spread)
        if metric.low is not None and metric.high is not None:
            low, high = sorted((sign * metric.low, sign * metric.high))
            intervals[metric.name] = (low, high)
    return [
        Figures(metric_words(name), name, _less(name), values, intervals.get(name)) for name, values in found.items()
    ]


def _less(name: str) -> bool:
    return name.startswith("neg_") or "loss" in name or "error" in name


def columns_of(table: Iterable[Figures]) -> list[tuple[str, str]]:
    """What figures were taken on, for the head of their table."""
    there = {of for line in table for of in line.values}
    return [(of, said) for of, said in _OF.items() if of in there]


def metric_words(name: str) -> str:
    """A scorer's name in words."""
    plain = name.removeprefix("neg_")
    if plain in _WORDS:
        return _WORDS[plain]
    words = plain.replace("roc_auc", "ROC AUC").replace("f1_", "F1 ").replace("_", " ")
    return words.replace("F1 macro", "F1, mean over classes").replace("F1 weighted", "F1, weighted over classes")


def first_figure(about: Dossier) -> tuple[Figures, float, str] | None:
    """The held-out figure to name first, and how far to trust it.

    It is what a champion is chosen by, else the first gate's, else the first.
    """
    held = {line.scorer: line for line in figures(about) if "held-out" in line.values}
    if not held:
        return None
    asked = {key: each.value for key, each in about.facts.asked.items()}
    chosen = [asked.get("evaluate.champion.metric"), asked.get("evaluate.gates.0.metric")]
    line = next((held[name] for name in chosen if name in held), next(iter(held.values())))
    return line, line.values["held-out"][0], _doubt(line)


def _doubt(line: Figures) -> str:
    """How far a held-out figure is to be trusted."""
    if line.interval is not None:
        return f"95 % interval {figure(line.interval[0])} to {figure(line.interval[1])}"
    spread = line.values.get("cross-validation", (0.0, None))[1]
    return f"\u00b1 {figure(spread)} over folds" if spread is not None else ""


def means(line: Figures, about: Dossier) -> str:
    """What a metric's figure means; of one that is not known at least which way is better, where that is."""
    return meaning(line.scorer, short(asked(about, "source.target"), 60)) or ("less is better" if line.less else "")


def gates(about: Dossier) -> list[Gate]:
    """The gates that the model was held to when it was trained."""
    return [
        _gate(str(test.get("expected") or test["name"]), gate_found(test) or NOTHING, test.get("status") == "pass")
        for run in about.facts.runs
        for test in run.tests
        if test.get("type") == "gate"
    ]


def _gate(expected: str, actual: str, held: bool) -> Gate:
    """A gate in words, where it is one on a metric; an error is told without the minus that scikit-learn gives it."""
    limit = _LIMIT.fullmatch(expected)
    if limit is None:
        return Gate(expected, actual, held)
    name, *bounds = (part for part in limit.groups() if part is not None)
    sign = -1 if name.startswith("neg_") else 1
    said = []
    for bound in bounds:
        way, _, number = bound.partition(" ")
        least = (way == ">=") == (sign == 1)
        said.append(f"{'at least' if least else 'at most'} {sign * float(number):,g}")
    found = figure(sign * float(actual)) if _NUMBER.fullmatch(actual) else actual
    return Gate(f"{metric_words(name)} {' and '.join(said)}", found, held)


def checks(about: Dossier) -> list[tuple[str, str, str, str, bool | None]]:
    """What the data was held to: where, check, expected, found, whether it held; None where that was only told."""
    found: list[tuple[str, str, str, str, bool | None]] = []
    for run in about.facts.runs:
        for table in run.inputs:
            for each in (table.facets.get("dataQualityAssertions") or {}).get("assertions") or ():
                where = str(each.get("column") or "the table")
                expected, actual = str(each.get("expected", "")), str(each.get("actual", ""))
                found.append((where, str(each["assertion"]).replace("_", " "), expected, actual, bool(each["success"])))
        for test in run.tests:
            if test.get("type") == "split":
                held = {"pass": True, "fail": False}.get(str(test.get("status")))
                name = str(test.get("name"))
                found.append(("the split", name, str(test.get("expected", "")), str(test.get("actual", "")), held))
    return list(dict.fromkeys(found))


def estimator(about: Dossier) -> str:
    """The class of the estimator, short."""
    return asked(about, "model.estimator").rpartition(".")[2]


def asked(about: Dossier, key: str) -> str:
    """A parameter of the training; empty where it was not given."""
    found = about.facts.asked.get(key)
    return found.value if found is not None else ""


def parameters(about: Dossier) -> list[tuple[str, str]]:
    """What the estimator was told, defaults left out where the pipeline file is on record."""
    prefix = "model.params."
    own = {key: each.value for key, each in about.facts.asked.items() if key.startswith(prefix)}
    flow = about.flow
    given = flow.parameters if flow else {}
    searched = {key.removeprefix("model.search.space.") for key in given if key.startswith("model.search.space.")}
    told = {key.removeprefix(prefix) for key in given if key.startswith(prefix)} | searched | {"random_state"}
    chosen = {key.removeprefix(prefix): value for key, value in own.items()}
    return [(key, value) for key, value in chosen.items() if key in told and value != "None"]


def environment(about: Dossier) -> list[tuple[str, str]]:
    """What it was trained in."""
    facts = about.facts.environment
    packages = facts.get("packages") or {}
    named = [f"{name} {packages[name]}" for name in ("scikit-learn", "numpy", "pandas", "mlflow") if name in packages]
    rows = [
        ("Python", f"{facts.get('python', '')}"),
        ("packages", ", ".join(named)),
        ("platform", facts.get("platform")),
    ]
    if facts.get("gitCommit"):
        dirty = ", with changes that were not committed" if facts.get("gitDirty") else ""
        rows.append(("code", f"commit {str(facts['gitCommit'])[:12]}{dirty}"))
    elif facts:
        rows.append(("code", "not under version control when it ran"))
    return [(name, str(value)) for name, value in rows if value]


def registered(about: Dossier) -> list[tuple[str, str, str]]:
    """What the pipeline's rules decided when it was trained: action, reason, by whom."""
    people = {each.decision.run_id for each in about.decisions}
    return [
        (
            _ACTIONS.get(each.action, each.action) + (f" @{alias}" if (alias := each.values.get("alias")) else ""),
            each.reason,
            each.by,
        )
        for each in about.facts.decisions
        # One and the same model may be registered again, under a number of its own.
        if each.run_id not in people
        and each.action in _ACTIONS
        and each.values.get("number") in (None, about.facts.model.number)
    ]


def verdicts(about: Dossier) -> list[tuple[str, str]]:
    """How many controls have each verdict, as it is said of the record."""
    counts = Counter(result.verdict for result in results(about))
    return [(verdict, said.format(counts[verdict])) for verdict, said in _TALLY.items() if counts[verdict]]


def results(about: Dossier) -> tuple[Result, ...]:
    """All controls of all policies."""
    return tuple(result for model in about.audit.models for result in model.results)


def policies(about: Dossier) -> list[tuple[Applied, list[Result]]]:
    """Each policy with its controls, what the record contradicts first."""
    order = {verdict: place for place, verdict in enumerate(VERDICTS)}
    return [
        (policy, sorted((r for r in model.results if r.policy == policy.id), key=lambda r: order[r.verdict]))
        for model in about.audit.models
        for policy in model.policies
    ]


def approval(about: Dossier) -> tuple[str, str]:
    """How people's decisions stand: a word for its kind, and a sentence."""
    standing = [each for each in about.decisions if each.counts and each.decision.action in ("approve", "reject")]
    if standing:
        each = standing[0]
        done = "Approved" if each.decision.action == "approve" else "Rejected"
        own = ", who started its training" if each.own else ""
        return ("good" if done == "Approved" and not each.own else "bad" if done == "Rejected" else "warn"), (
            f"{done} by {each.decision.by}{own}"
        )
    lapsed = [each for each in about.decisions if each.decision.action == "approve"]
    if lapsed:
        return "warn", f"The approval by {lapsed[0].decision.by} no longer counts"
    return "none", "Nobody has approved or rejected it"


def held_out_rows(about: Dossier) -> int | None:
    """How many rows it was judged on."""
    return about.answers.rows if about.answers else next((table.rows for table in about.facts.held_out), None)


def held_out_versions(about: Dossier) -> frozenset[str]:
    """What it was judged on, by content."""
    made = about.materials
    return frozenset({made.test.version} if made else (table.version for table in about.facts.held_out))


def pictures(about: Dossier) -> list[tuple[str, bytes]]:
    """The pictures kept with the run that the page does not draw itself, by their names."""
    drawn: set[str] = set()
    if about.answers is not None:
        drawn |= set(_DRAWN_REGRESSION if about.answers.points else _DRAWN)
    if about.explanation is not None and about.explanation.columns:
        drawn.add("feature_importance")
    found = [(Path(name), data) for name, data in sorted(about.files.items()) if name.startswith("plots/")]
    return [
        (path.stem.replace("_", " "), data)
        for path, data in found
        if path.suffix.lower() == ".png" and path.stem not in drawn and data.startswith(b"\x89PNG\r\n\x1a\n")
    ]


def namer(base: Path | None) -> Callable[[Node], str]:
    """How a version is called on the page: a file from the project's folder, where it lies below that."""

    def name_of(node: Node) -> str:
        if node.namespace == "file" and base is not None and Path(node.name).is_relative_to(base):
            return Path(node.name).relative_to(base).as_posix()
        if node.kind != "MODEL" and "://" in node.namespace:
            return f"{node.namespace}/{node.name.lstrip('/')}"
        return node.name

    return name_of


def compared(abouts: Sequence[Dossier]) -> list[tuple[str, list[Any]]]:
    """Several models side by side: what is compared, and what is so of each."""
    scorers: dict[str, None] = {}
    tables = [{line.scorer: line for line in figures(each)} for each in abouts]
    for table in tables:
        scorers |= dict.fromkeys(table)
    rows: list[tuple[str, list[Any]]] = [
        ("predicts", [asked(each, "source.target") or NOTHING for each in abouts]),
        ("estimator", [estimator(each) or NOTHING for each in abouts]),
        ("learnt from", [_rows(each) for each in abouts]),
        ("judged on", [counted(held, "row") if (held := held_out_rows(each)) else NOTHING for each in abouts]),
    ]
    for scorer in scorers:
        less = next(table[scorer].less for table in tables if scorer in table)
        label = f"{metric_words(scorer)}{' (less is better)' if less else ''}"
        rows.append((label, [_held(table.get(scorer)) for table in tables]))
    return rows


def _held(line: Figures | None) -> str:
    if line is None or "held-out" not in line.values:
        return NOTHING
    return figure(line.values["held-out"][0])


def _rows(about: Dossier) -> str:
    made = about.materials
    return counted(made.train.rows, "row") if made and made.train.rows else NOTHING


def clauses(result: Result) -> str:
    """The clauses that a control serves, each framework named once."""
    found: dict[str, list[str]] = {}
    for each in result.maps:
        found.setdefault(each.framework, []).append(each.clause)
    return "; ".join(f"{framework} {', '.join(clauses)}" for framework, clauses in found.items())


def open_words(found: Sequence[Result]) -> str:
    """What the record has no answer to, in a phrase."""
    return f"{counted(len(found), 'control')} that the record does not show, and what is missing"


def quiet_words(found: Sequence[Result]) -> str:
    """What need not be looked into, in a phrase."""
    supported = sum(1 for each in found if each.verdict == "pass")
    apart = len(found) - supported
    said = [f"{counted(supported, 'control')} that the record supports"] if supported else []
    return " and ".join([*said, *([f"{apart} out of scope"] if apart else [])])


def checks_words(found: Sequence[tuple[str, str, str, str, bool | None]]) -> str:
    """How the data's checks came out, in a phrase."""
    held = sum(1 for *_, state in found if state)
    failed = sum(1 for *_, state in found if state is False)
    told = len(found) - held - failed
    said = [f"{held} held", *([f"{failed} did not"] if failed else []), *([f"{told} only told"] if told else [])]
    return f"{counted(len(found), 'check')} of the data and its split: {', '.join(said)}"


def any_failed(found: Sequence[tuple[str, str, str, str, bool | None]]) -> bool:
    """Whether any check did not hold."""
    return any(state is False for *_, state in found)
