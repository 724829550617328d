"""What the runs teach, for a person: what is borne out first, what cannot be told last, each with a command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from lineal.questions.discovery import Discovery, Lesson
from lineal.questions.discovery.breaks import Break
from lineal.questions.discovery.factors import FEWEST_RUNS, Factor
from lineal.questions.discovery.pairs import Change
from lineal.reports.terminal import figure

_MOST = 5
_WORDS = 6
_INDENT = "  "


def render(found: Discovery) -> RenderableType:
    """All lessons, one below the other."""
    if not found.lessons:
        return Text(
            "no run on record has a metric yet: nothing can be learned; run `lineal run PIPELINE`, or record metrics "
            "in a traced flow"
        )
    parts: list[RenderableType] = []
    for lesson in found.lessons:
        parts += [*([Text()] if parts else []), Text("\n").join(_lesson(lesson))]
    return Group(*parts)


def _lesson(lesson: Lesson) -> Iterator[Text]:
    heading = Text(lesson.pipeline, style="bold")
    scored = f"{lesson.scored} with {lesson.metric}" if lesson.metric else "none with a metric"
    on = f" ({lesson.scored_on})" if lesson.scored_on else ""
    heading.append(f"  {_count(lesson.experiments, 'run')}, {scored}{on}", style="dim")
    yield heading
    sections = (
        ("one thing changed, all else alike", _pairs(lesson)),
        ("moved the metric", _moved(lesson)),
        ("broke", (line for each in lesson.breaks for line in _break(each))),
        ("decisions that are shaken", _decisions(lesson)),
        ("best on the same rows", _best(lesson)),
        ("shown not to matter", _neutral(lesson)),
        ("features that never carried weight", _features(lesson)),
        ("noise", _noise(lesson)),
        ("done twice", _repeats(lesson)),
        ("cannot be told yet", _untold(lesson)),
        ("never tested", _untested(lesson)),
    )
    for title, lines in sections:
        made = list(lines)
        if made:
            yield Text(title, style="cyan")
            yield from (Text(f"{_INDENT}{line}") for line in made)


def _pairs(lesson: Lesson) -> Iterator[str]:
    for change in lesson.changes[:_MOST]:
        yield _change(change)
        before, after = change.runs[0]
        yield f"{_INDENT}lineal diff run:{before} run:{after}"
    if len(lesson.changes) > _MOST:
        yield f"and {len(lesson.changes) - _MOST} more (--json)"


def _change(change: Change) -> str:
    sure = f"sign test p {_p(change.p)}" if change.by == "sign test" else f"against the noise floor p {_p(change.p)}"
    rows = "; scored on other rows" if change.other_rows else ""
    return (
        f"{change.name} {_short(change.before)} → {_short(change.after)}: {change.median:+.4g} in the median of "
        f"{_count(change.pairs, 'pair')} ({change.ups} up, {change.downs} down; {sure}{rows})"
    )


def _moved(lesson: Lesson) -> Iterator[str]:
    for factor in lesson.factors.moved[:_MOST]:
        levels = "  ".join(
            f"{_short(level.name)}: {figure(level.median)} (n {level.runs})" for level in factor.levels[:6]
        )
        yield (
            f"{factor.name}: {figure(factor.effect)} from worst to best level "
            f"[{figure(factor.low)}, {figure(factor.high)}], corrected p {_p(factor.p)}{_confounded(factor)}"
        )
        yield f"{_INDENT}{levels}"
        yield f"{_INDENT}lineal diff run:{factor.low_run} run:{factor.high_run}"


def _confounded(factor: Factor) -> str:
    said = f"; confounded with {', '.join(factor.confounded)}" if factor.confounded else ""
    return said + (f"; partly goes along with {', '.join(factor.partly[:3])}" if factor.partly else "")


def _break(each: Break) -> Iterator[str]:
    since = f"since {each.dataset}@{each.version[:12]} (before it {each.previous[:12]})"
    if each.kind == "check":
        yield f"the checks fail {since}: {each.what}; they held in {_count(each.counts[0], 'run')} before"
    elif each.kind == "fail":
        yield (
            f"runs fail {since}: {each.after:.0%} of {each.counts[1]}, before {each.before:.0%} of {each.counts[0]} "
            f"(corrected p {_p(each.p)}): {each.what[:80]}"
        )
    else:
        yield (
            f"{each.what} is worse {since}: median {figure(each.after)} in {each.counts[1]}, before "
            f"{figure(each.before)} in {each.counts[0]} runs (corrected p {_p(each.p)})"
        )
    if each.changed:
        yield f"{_INDENT}in it: {'; '.join(each.changed)}"
    yield f"{_INDENT}lineal diff dataset:{each.dataset}@{each.previous[:12]} dataset:{each.dataset}@{each.version[:12]}"


def _decisions(lesson: Lesson) -> Iterator[str]:
    for each in lesson.decisions[:_MOST]:
        yield f"{each.subject} {each.decided}: {each.why}"
        yield f"{_INDENT}{each.command}"


def _best(lesson: Lesson) -> Iterator[str]:
    for each in lesson.best:
        metrics = "   ".join(f"{name} {figure(value)}" for name, value in each.best.metrics[:4])
        ahead = "" if each.ahead is None else f"; {each.ahead:.2g} ahead of the next"
        if each.within_noise is not None:
            ahead += ", which noise alone may make" if each.within_noise else ", beyond the noise"
        yield f"{metrics}  of {_count(each.experiments, 'run')} on {_rows(each.rows)}{ahead}"
        yield f"{_INDENT}lineal trace run:{each.best.run}"
        if each.front_size > 1:
            named = "  ".join(
                f"{point.run[:23]} ({', '.join(f'{name} {figure(value)}' for name, value in point.metrics[:3])})"
                for point in each.front[:3]
            )
            yield f"{_INDENT}Pareto front of {each.front_size}: {named}"


def _neutral(lesson: Lesson) -> Iterator[str]:
    for factor in lesson.factors.neutral[:_MOST]:
        yield (
            f"{factor.name}: at most {figure(factor.high)}, below the {figure(lesson.factors.smallest)} that matters "
            f"(power {factor.power:.0%}, n {' + '.join(str(level.runs) for level in factor.levels[:6])})"
        )
        yield f"{_INDENT}lineal diff run:{factor.low_run} run:{factor.high_run}"


def _features(lesson: Lesson) -> Iterator[str]:
    features = lesson.features
    if features.idle:
        names = ", ".join(each.column for each in features.idle[:8])
        more = f" and {len(features.idle) - 8} more" if len(features.idle) > 8 else ""
        yield f"{names}{more}: in none of {features.models} models was shuffling them told from chance"
        yield f"{_INDENT}lineal trace run:{features.run}"


def _noise(lesson: Lesson) -> Iterator[str]:
    floor = lesson.noise
    if floor is not None and not floor.more_runs:
        yield (
            f"another seed alone makes ± {floor.deviation:.2g} (standard deviation, "
            f"{floor.freedom} degrees of freedom; {_count(floor.groups, 'set')} of runs)"
        )
        if len(floor.runs) > 1:
            yield f"{_INDENT}lineal diff run:{floor.runs[0]} run:{floor.runs[1]}"


def _repeats(lesson: Lesson) -> Iterator[str]:
    if not lesson.repeats:
        return
    runs = sum(each.count - 1 for each in lesson.repeats)
    seconds = sum(each.seconds for each in lesson.repeats)
    yield f"{_count(runs, 'run')} repeated a former one in everything: {_time(seconds)} spent"
    for each in lesson.repeats[:3]:
        if each.differs:
            yield f"{_INDENT}and came to another result by {each.differs:.2g}: something that matters goes unrecorded"
        yield f"{_INDENT}lineal diff run:{each.runs[0]} run:{each.runs[1]}"


def _untold(lesson: Lesson) -> Iterator[str]:
    show = f"{_INDENT}lineal trace run:{lesson.newest}"
    if lesson.metric is None:
        return
    if not lesson.enough:
        yield (
            f"which factors move {lesson.metric}: {_count(lesson.scored, 'run')} cannot tell; about "
            f"{lesson.factors.more_runs} more with other values would tell a difference of one standard deviation "
            f"(fewer than {FEWEST_RUNS} rank seeds above what matters)"
        )
        yield show
    for factor in lesson.factors.untold[:_MOST]:
        more = (
            f"about {factor.more_runs:,} more runs would tell" if factor.more_runs else "no likely number of runs tells"
        )
        if factor.more_runs == 0:
            more = f"its effect may be around {figure(lesson.factors.smallest)}, the smallest of interest"
        yield (
            f"{factor.name}: {figure(factor.effect)} [{figure(factor.low)}, {figure(factor.high)}] may be chance; "
            f"{more}{_confounded(factor)}"
        )
        yield f"{_INDENT}lineal diff run:{factor.low_run} run:{factor.high_run}"
    nearest = lesson.nearest
    if nearest is not None and not lesson.changes:
        yield (
            f"{nearest.name} {_short(nearest.before)} → {_short(nearest.after)}: {nearest.median:+.4g} in "
            f"{_count(nearest.pairs, 'pair')}; {nearest.more_pairs} more would make a sign test possible"
        )
        yield f"{_INDENT}lineal diff run:{nearest.runs[0][0]} run:{nearest.runs[0][1]}"
    floor = lesson.noise
    if floor is None or floor.more_runs:
        more_runs = floor.more_runs if floor else 4
        yield f"the noise floor: {_count(more_runs, 'more run')} with another seed and all else alike would give it"
        yield show
    if lesson.features.models and lesson.features.more_models:
        yield (
            f"which features never carry weight: {_count(lesson.features.more_models, 'more model')} with importances "
            "would tell"
        )
        yield show
    if lesson.scored > 1 and not lesson.best:
        yield f"which run is best: no two were scored on the same named rows, or {lesson.metric} has no known direction"
        yield show


def _untested(lesson: Lesson) -> Iterator[str]:
    untested = lesson.factors.untested if lesson.enough else ()
    if untested:
        yield f"too few runs of any second value: {_listed(untested)}"
    if lesson.constant:
        yield f"always the same: {_listed(lesson.constant)}"
    if untested or lesson.constant:
        yield f"{_INDENT}lineal trace run:{lesson.newest}"


def _listed(names: Iterable[str]) -> str:
    all_names = list(names)
    more = f" and {len(all_names) - _WORDS} more" if len(all_names) > _WORDS else ""
    return ", ".join(all_names[:_WORDS]) + more


def _rows(rows: Iterable[str]) -> str:
    return " and ".join(f"{row.rpartition('@')[0]}@{row.rpartition('@')[2][:12]}" for row in list(rows)[:2])


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _p(value: float | None) -> str:
    return "-" if value is None else "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def _short(value: str) -> str:
    return value if len(value) <= 28 else f"{value[:12]}…"


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
