"""Checks of groups: how the model does on each, who answers for gaps, and whether they are among the rows at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lineal.questions.audit.checks import check
from lineal.questions.audit.facts import Decision, Facts
from lineal.questions.audit.findings import Found, counted, found, some
from lineal.questions.audit.human import by_rules, ended
from lineal.questions.groups import Gap, Group, Grouping, Groups, gap_of, recorded

# Of these nobody can say that one value is better than another.
_RATES = ("selection_rate", "false_positive_rate")
# An error has a size of its own (grams, euros), so that only the ratio of two says whether they are far apart.
_BOUNDED_ERRORS = ("neg_brier_score",)
_MISSING = "missing"
_BY_PEOPLE = ("note", "approve", "reject", "waive", "withdraw")


@dataclass(frozen=True, slots=True)
class _Watched:
    """The groups to be watched, as far as they are on record."""

    groups: Groups
    groupings: tuple[Grouping, ...]


@dataclass(frozen=True, slots=True)
class _Limits:
    """What is asked of groups; as the parameters of `groups-watched`."""

    metrics: list[str] | None
    gap_max: float
    ratio_min: float
    rows_min: int
    leave_out: list[str]


@check("groups-watched")
def groups_watched(
    facts: Facts,
    *,
    metrics: list[str] | None = None,
    gap_max: float = 0.1,
    ratio_min: float = 0.8,
    rows_min: int = 20,
    leave_out: list[str] | None = None,
) -> Found:
    """Each column to be watched has metrics of all its groups, of rows enough, that are not too far apart.

    Args:
        facts: about the model.
        metrics: that are looked at; those of the pipeline where they are left out.
        gap_max: the most that a metric may differ between two groups.
        ratio_min: of errors (`neg_…`), which have a size of their own: the least that the smaller may be of the larger.
        rows_min: the fewest held-out rows of a group.
        leave_out: groups that are not asked of, by their labels.
    """
    return _judge(facts, _Limits(metrics, gap_max, ratio_min, rows_min, leave_out or []))[0]


@check("group-gaps-answered")
def group_gaps_answered(
    facts: Facts,
    *,
    control: str = "groups",
    metrics: list[str] | None = None,
    gap_max: float = 0.1,
    ratio_min: float = 0.8,
    rows_min: int = 20,
    leave_out: list[str] | None = None,
) -> Found:
    """Where a gap between groups is too large, a person decided or noted something of it since.

    Args:
        facts: about the model.
        control: by whose name a waiver or a note speaks of it.
        metrics: as in `groups-watched`, like all that follow.
        gap_max: the most that a metric may differ between two groups.
        ratio_min: of errors, the least that the smaller may be of the larger.
        rows_min: the fewest held-out rows of a group.
        leave_out: groups that are not asked of.
    """
    gaps, columns = _judge(facts, _Limits(metrics, gap_max, ratio_min, rows_min, leave_out or []))
    command = f"lineal history {facts.called}"
    if gaps.verdict != "fail":
        why = "no gap is larger than it may be" if gaps.verdict == "pass" else gaps.sentence
        verdict = "n/a" if gaps.verdict == "pass" else gaps.verdict
        return found(verdict, why, runs=gaps.runs, datasets=gaps.datasets, command=gaps.command, numbers=gaps.numbers)
    since = max((run.ended_at or run.started_at or "" for run in facts.evaluations if run.id in gaps.runs), default="")
    answers = [each for each in facts.decisions if _answers(each, control, columns, since, facts.now)]
    numbers = {**gaps.numbers, "answers": len(answers)}
    if not answers:
        return found(
            "fail",
            f"{gaps.sentence}; and nobody decided or noted anything of it since, in which {some(columns)}, or the "
            f"control {control}, is named",
            runs=gaps.runs,
            datasets=gaps.datasets,
            command=command,
            numbers=numbers,
        )
    newest = answers[-1]
    return found(
        "pass",
        f"{gaps.sentence}; {newest.by} said ({newest.action}, {newest.at[:10]}): {newest.reason}",
        runs=[*gaps.runs, newest.run_id],
        datasets=gaps.datasets,
        command=command,
        numbers=numbers,
    )


@check("groups-represented")
def groups_represented(facts: Facts, *, share_min: float = 0.05) -> Found:
    """Of each group to be watched, the training and the held-out rows have their share, and how many is on record.

    Args:
        facts: about the model.
        share_min: the least share of either that a group may have; rows without a value are told, and are no group.
    """
    watched = _watched(facts)
    if isinstance(watched, Found):
        return watched
    groups = watched.groups
    kinds = {column.name: column.kind for column in groups.columns}
    numbers: dict[str, int | float | str] = {"training rows": groups.train_rows, "held-out rows": groups.rows}
    small, unknown, fine = [], [], []
    for grouping in watched.groupings:
        by = grouping.name
        if grouping.problem or not grouping.groups or not groups.rows or not groups.train_rows:
            unknown.append(f"how many rows there are by {by} is not on record")
            continue
        if kinds.get(by) == "quantiles":
            # A fourth of the training rows is in each of four bins, whoever they are.
            unknown.append(
                f"{by} is cut where the training rows are parted evenly, so that shares say nothing: give "
                f"evaluate.grouping.edges.{by}"
            )
            continue
        shares = {
            group.name: (group.train_rows / groups.train_rows, group.rows / groups.rows) for group in grouping.groups
        }
        numbers |= {f"{by} {name}": f"{train:.1%} and {test:.1%}" for name, (train, test) in shares.items()}
        shares.pop(_MISSING, None)
        for name, (train, test) in shares.items():
            if min(train, test) < share_min:
                small.append(f"{by} {name} is {train:.1%} of the training rows and {test:.1%} of those held out")
        if shares:
            least = min(shares, key=lambda name: min(shares[name]))
            fine.append(f"{by}, {least} the least with {min(shares[least]):.1%}")
    missing = [f"{each.name} is missing in {each.train_missing + each.missing:,} rows" for each in groups.columns]
    missing = [said for said, each in zip(missing, groups.columns, strict=True) if each.missing or each.train_missing]
    tail = f"; {some(missing)}" if missing else ""
    if small:
        verdict, sentence = "fail", f"{_joined(small)}, less than {share_min:.1%}{tail}"
    elif unknown:
        verdict, sentence = "open", _joined(unknown)
    else:
        verdict, sentence = "pass", f"every group has its share: {some(fine)}{tail}"
    return found(
        verdict,  # type: ignore[arg-type]  # one of three
        sentence,
        runs=_runs(groups),
        datasets=[*(table for table in (facts.fit.tables_read if facts.fit else ())), *facts.held_out],
        command=f"lineal trace {facts.subject}",
        numbers=numbers,
    )


def _judge(facts: Facts, limits: _Limits) -> tuple[Found, tuple[str, ...]]:
    """Whether groups are too far apart, and by which columns."""
    watched = _watched(facts)
    if isinstance(watched, Found):
        return watched, ()
    groups, left_out = watched.groups, limits.leave_out
    names = limits.metrics or [name for name in groups.metrics if name not in _RATES]
    wide: dict[str, str] = {}
    unknown, fine = [], []
    numbers: dict[str, int | float | str] = {}
    for grouping in watched.groupings:
        by = grouping.name
        asked = [each for each in grouping.groups if not {each.name, *each.labels} & set(left_out)]
        few = [each for each in asked if each.rows < limits.rows_min]
        if grouping.problem:
            unknown.append(f"by {by}: {grouping.problem}")
        elif few:
            unknown.append(f"by {by}: {_few(few, limits.rows_min)}")
        numbers[f"least rows by {by}"] = min((each.rows for each in asked), default=0)
        for name in names:
            gap = gap_of(asked, name)
            if gap.value is not None:
                numbers[f"gap of {name} by {by}"] = round(gap.value, 6)
                interval = grouping.gap(name)
                if interval is not None and interval.low is not None and interval.high is not None and not left_out:
                    numbers[f"interval of {name} by {by}"] = f"{interval.low:.4g} to {interval.high:.4g}"
            over = _over(gap, limits)
            if over:
                wide.setdefault(by, f"by {by}: {name} differs by {_said(gap, grouping)}, {over}")
            if gap.value is None or gap.untold:
                if not (grouping.problem or few):
                    unknown.append(f"by {by}: {name} cannot be told of {some(gap.untold) or 'two groups'}")
            elif not over:
                fine.append(f"{name} by {by} {gap.value:.4g}")
    verdict = "fail" if wide else "open" if unknown or not fine else "pass"
    if verdict == "fail":
        sentence = _joined(wide.values()) + (f"; and {_joined(unknown)}" if unknown else "")
    elif verdict == "open":
        # A metric that is asked for and was never judged is told of no group.
        sentence = _joined(unknown) or "no metric of groups is on record"
    else:
        sentence = f"no gap is too large: {some(fine, 4)}"
    judged = found(
        verdict,  # type: ignore[arg-type]  # one of three
        sentence,
        runs=_runs(groups),
        datasets=facts.held_out,
        command=f"lineal trace {facts.subject}",
        numbers=numbers,
    )
    return judged, tuple(wide)


def _joined(parts: Iterable[str], most: int = 2) -> str:
    known = list(dict.fromkeys(parts))
    return "; ".join(known[:most]) + (f"; and {len(known) - most} more" if len(known) > most else "")


def _recorded(facts: Facts) -> Groups | None:
    return recorded((run.id, run.facets) for run in facts.evaluations)


def _watched(facts: Facts) -> _Watched | Found:
    """The groups that are declared, or else those that the pipeline tells of; why there are none, if so."""
    declared: tuple[str, ...] | None = facts.declared.get("groups")
    groups = _recorded(facts)
    if declared == ():
        return found("n/a", "it is declared that there are no groups to be watched", runs=[facts.fit])
    if not facts.evaluations:
        return found("open", "no evaluation of it is on record")
    if groups is None:
        what = f"{some(declared)} is to be watched" if declared else "which groups are to be watched is not declared"
        return found("open", f"{what}, and no metric of groups is on record", runs=facts.evaluations)
    names = declared or tuple(column.name for column in groups.columns)
    there = {name: grouping for name in names if (grouping := groups.by(name)) is not None}
    absent = [name for name in names if name not in there]
    if absent or not there:
        said = f"{some(absent) or 'a group'} is to be watched, and no metric of its groups is on record"
        return found("open", said, runs=_runs(groups))
    return _Watched(groups, tuple(there.values()))


def _runs(groups: Groups) -> list[str]:
    return [groups.run_id] if groups.run_id else []


def _few(groups: Iterable[Group], rows_min: int) -> str:
    said = some(f"{group.name} has {counted(group.rows, 'held-out row')}" for group in groups)
    return f"{said}, fewer than {rows_min}"


def _over(gap: Gap, limits: _Limits) -> str:
    """In what a gap is larger than it may be; empty where it is not."""
    if gap.value is None:
        return ""
    if gap.metric.startswith("neg_") and gap.metric not in _BOUNDED_ERRORS:
        if gap.ratio is None or gap.ratio >= limits.ratio_min:
            return ""
        return f"the one {gap.ratio:.2g} of the other, less than {limits.ratio_min:g}"
    return f"more than {limits.gap_max:g}" if gap.value > limits.gap_max else ""


def _said(gap: Gap, grouping: Grouping) -> str:
    """A gap with the two groups that it is between, and whether their intervals overlap."""
    sides = [grouping.group(name or "") for name in (gap.least, gap.greatest)]
    figures = [side.figure(gap.metric) if side else None for side in sides]
    named = [
        f"{name} {each.value:.4g}"
        for name, each in zip((gap.least, gap.greatest), figures, strict=True)
        if each is not None and each.value is not None
    ]
    low, high = figures
    overlap = ""
    if low is not None and high is not None and low.high is not None and high.low is not None:
        overlap = "; their intervals overlap" if low.high >= high.low else "; their intervals do not overlap"
    return f"{gap.value:.4g} ({', '.join(named)}{overlap})"


def _answers(decision: Decision, control: str, columns: Iterable[str], since: str, now: datetime) -> bool:
    """Whether a person's decision speaks of a gap: it waives the control, ends the model's use, or names a column."""
    if decision.action not in _BY_PEOPLE or by_rules(decision) or not decision.reason.strip():
        return False
    if not decision.counts or ended(decision, now) or (since and _before(decision.at, since)):
        return False
    if decision.control:
        return decision.action == "waive" and decision.control.rpartition(".")[2] == control
    if decision.action in ("reject", "withdraw"):
        return True
    return any(
        re.search(rf"(?<!\w){re.escape(word)}(?!\w)", decision.reason, re.IGNORECASE) for word in (control, *columns)
    )


def _before(one: str, other: str) -> bool:
    try:
        return datetime.fromisoformat(one) < datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return False
