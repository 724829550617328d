"""What the runs teach, for a person: what is borne out first, what cannot be told last, each with a command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from lineal.questions.discovery import Discovery, Lesson
from lineal.questions.discovery.best import Best
from lineal.questions.discovery.breaks import Break
from lineal.questions.discovery.directions import direction
from lineal.questions.discovery.repeats import Noise
from lineal.reports.discovery_untold import in_short, untold
from lineal.reports.discovery_words import (
    MOST,
    Entry,
    counted,
    diff,
    from_to,
    listed,
    p_value,
    shorter,
    tied,
    time,
)
from lineal.reports.terminal import command, figure

_ON = {"held-out": "held-out rows", "cross-validation": "cross-validation", "train": "training rows"}
# What a section tells, in the sentence above all of them.
_TOLD = {
    "one thing changed, all else alike": "what single changes did",
    "moved the metric": "what moves {}",
    "broke": "what broke",
    "decisions that are shaken": "which decisions no longer stand",
    "best on the same rows": "which run is best",
    "shown not to matter": "what does not matter",
    "features that never carried weight": "which columns carry no weight",
    "noise": "how much is chance",
    "done twice": "what was done twice",
}


def render(found: Discovery) -> RenderableType:
    """All lessons, one below the other."""
    if not found.lessons:
        return Text(
            "no run on record has a metric yet: nothing can be learned; run `lineal run PIPELINE`, or record metrics "
            "in a traced flow"
        )
    parts: list[RenderableType] = []
    for lesson in found.lessons:
        parts += [*([Text()] if parts else []), *_lesson(lesson)]
    following = next((line for lesson in found.lessons for line in _next(lesson)), None)
    return Group(*parts, *([Text(), Text(f"next: {following}")] if following else []))


def _next(lesson: Lesson) -> Iterator[str]:
    """The command that would tell the most for the least."""
    for entry in untold(lesson):
        yield from (line for line in entry.commands if line.startswith("lineal run ") and "VALUE" not in line)


def _lesson(lesson: Lesson) -> Iterator[RenderableType]:
    heading = Text(lesson.pipeline, style="bold")
    on = f" on {_ON.get(lesson.scored_on, lesson.scored_on)}" if lesson.scored_on else ""
    scored = f"{lesson.scored} with {lesson.metric}{on}" if lesson.metric else "none with a metric"
    heading.append(f"  {counted(lesson.experiments, 'run')}, {scored}", style="not bold dim")
    yield heading
    told = [
        (title, made)
        for title, entries in (
            ("one thing changed, all else alike", _pairs(lesson)),
            ("moved the metric", _moved(lesson)),
            ("broke", (_break(each, lesson) for each in lesson.breaks)),
            ("decisions that are shaken", _decisions(lesson)),
            ("best on the same rows", (_best(each, lesson.noise) for each in lesson.best)),
            ("shown not to matter", _neutral(lesson)),
            ("features that never carried weight", _features(lesson)),
            ("noise", _noise(lesson)),
            ("done twice", _repeats(lesson)),
        )
        if (made := list(entries))
    ]
    yield from _summary(lesson, [title for title, _ in told])
    for title, entries in (*told, ("cannot be told yet", list(untold(lesson))), ("never tested", _untested(lesson))):
        if entries:
            yield Text(title, style="cyan")
            for entry in entries:
                yield from entry.lines()


def _summary(lesson: Lesson, titles: Iterable[str]) -> Iterator[Text]:
    can = ", ".join(_TOLD[title].format(lesson.metric) for title in titles)
    cannot = ", ".join(in_short(lesson))
    if can:
        yield Text(f"can be told: {can}")
    if cannot:
        yield Text(f"not yet: {cannot}")


def _pairs(lesson: Lesson) -> Iterator[Entry]:
    for change in lesson.changes[:MOST]:
        better = direction(lesson.metric or "") * change.median
        judged = ", which is better" if better > 0 else ", which is worse" if better else ""
        did = "raised" if change.median > 0 else "lowered"
        by = "sign test" if change.by == "sign test" else "against the noise floor"
        rows = "; scored on other rows" if change.other_rows else ""
        clear = change.ups if change.median > 0 else change.downs
        yield Entry(
            f"{from_to(change)} {did} {lesson.metric} by {figure(abs(change.median))}{judged}: so it was in {clear} of "
            f"{counted(change.pairs, 'pair')} of runs that differ in nothing else",
            f"median {change.median:+.4g}, {change.ups} up, {change.downs} down; {by}, corrected p "
            f"{p_value(change.p)}; n {counted(change.pairs, 'pair')}{rows}",
            (diff(change.runs[0]),),
        )
    if len(lesson.changes) > MOST:
        yield Entry(f"and {len(lesson.changes) - MOST} more (--json)")


def _moved(lesson: Lesson) -> Iterator[Entry]:
    for factor in lesson.factors.moved[:MOST]:
        low, high = (choose(factor.levels, key=lambda level: level.median) for choose in (min, max))
        levels = "  ".join(
            f"{shorter(level.name)}: {figure(level.median)} (n {level.runs})" for level in factor.levels[:6]
        )
        yield Entry(
            f"{factor.name} moves {lesson.metric}: in the median it is {figure(low.median)} with {shorter(low.name)} "
            f"and {figure(high.median)} with {shorter(high.name)}{tied(factor)}",
            f"difference {figure(factor.effect)}, 95 % interval [{figure(factor.low)}, {figure(factor.high)}], "
            f"corrected p {p_value(factor.p)}; medians {levels}",
            (diff((factor.low_run, factor.high_run)),),
        )


def _break(each: Break, lesson: Lesson) -> Entry:
    since = f"since {each.dataset}@{each.version[:12]}"
    test = ""
    if each.kind == "check":
        said = f"the check {each.what} fails {since}; it held in {counted(each.counts[0], 'run')} before"
    elif each.kind == "fail":
        said = (
            f"runs fail {since}: {each.after:.0%} of {each.counts[1]}, and {each.before:.0%} of {each.counts[0]} "
            f"before it: {each.what[:80]}"
        )
        test = f"corrected p {p_value(each.p)}; "
    else:
        said = (
            f"{each.what} is worse {since}: {figure(each.after)} in the median of {each.counts[1]} runs, and "
            f"{figure(each.before)} in {each.counts[0]} before"
        )
        test = f"corrected p {p_value(each.p)}; "
    changed = f"; what changed in it: {'; '.join(each.changed)}" if each.changed else ""
    return Entry(
        said,
        f"{test}the version before is {each.previous[:12]}{changed}",
        (
            command(
                "diff",
                f"dataset:{each.dataset}@{each.previous[:12]}",
                f"dataset:{each.dataset}@{each.version[:12]}",
            ),
        ),
    )


def _decisions(lesson: Lesson) -> Iterator[Entry]:
    for each in lesson.decisions[:MOST]:
        yield Entry(f"{each.subject} {each.decided}: {each.why}", commands=(each.command,))


def _best(each: Best, floor: Noise | None) -> Entry:
    (name, value), *others = each.best.metrics
    alike = f", which {'all' if each.tied == each.experiments else each.tied} of them reach" if each.tied > 1 else ""
    said = f"{name} {figure(value)} is the best of {counted(each.experiments, 'run')} on the same held-out rows{alike}"
    if each.ahead is not None:
        said += f"; the next is {figure(each.ahead)} behind"
        if each.within_noise is not None and floor is not None and not floor.deviation:
            said += ", while another seed alone changed nothing"
        elif each.within_noise is not None:
            said += ", which chance alone may make" if each.within_noise else ", more than chance alone makes"
        else:
            said += ", and whether that is chance is not known yet"
    figures = f"{'   '.join(f'{other} {figure(number)}' for other, number in others[:3])}   on {_rows(each.rows)}"
    if each.front_size > 1:
        named = "  ".join(
            f"{point.run[:23]} ({', '.join(f'{other} {figure(number)}' for other, number in point.metrics[:3])})"
            for point in each.front[:3]
        )
        figures += f"; {each.front_size} that none is better than in all metrics (Pareto front): {named}"
    return Entry(said, figures.strip(), (command("trace", f"run:{each.best.run}"),))


def _neutral(lesson: Lesson) -> Iterator[Entry]:
    for factor in lesson.factors.neutral[:MOST]:
        yield Entry(
            f"{factor.name} does not matter for {lesson.metric}: whatever its value, the difference is below "
            f"{figure(lesson.factors.smallest)}, the smallest that counts",
            f"difference at most {figure(factor.high)} (95 % interval), power {factor.power:.0%}, n "
            f"{' + '.join(str(level.runs) for level in factor.levels[:6])}",
            (diff((factor.low_run, factor.high_run)),),
        )


def _features(lesson: Lesson) -> Iterator[Entry]:
    features = lesson.features
    if features.idle:
        names = ", ".join(each.column for each in features.idle[:8])
        more = f" and {len(features.idle) - 8} more" if len(features.idle) > 8 else ""
        yield Entry(
            f"{names}{more}: none of {features.models} models did worse with their values shuffled than chance makes",
            f"permutation importance within two standard deviations of nothing; n {counted(features.models, 'model')}",
            (command("trace", f"run:{features.run}"),),
        )


def _noise(lesson: Lesson) -> Iterator[Entry]:
    floor = lesson.noise
    if floor is not None and not floor.more_runs:
        yield Entry(
            f"chance alone, another seed and all else alike, moves {lesson.metric} by about ± {floor.deviation:.2g}: "
            "smaller differences say nothing"
            if floor.deviation
            else f"another seed alone, all else alike, has not changed {lesson.metric} at all so far",
            f"standard deviation {floor.deviation:.2g}, {floor.freedom} degrees of freedom, "
            f"{counted(floor.groups, 'set')} of runs",
            (diff((floor.runs[0], floor.runs[1])),) if len(floor.runs) > 1 else (),
        )


def _repeats(lesson: Lesson) -> Iterator[Entry]:
    if not lesson.repeats:
        return
    runs = sum(each.count - 1 for each in lesson.repeats)
    seconds = sum(each.seconds for each in lesson.repeats)
    yield Entry(f"{counted(runs, 'run')} repeated a former one in everything: {time(seconds)} spent")
    for each in lesson.repeats[:3]:
        differs = f" and came to another result by {each.differs:.2g}: something that matters goes unrecorded"
        yield Entry(
            f"{each.count} runs are one and the same{differs if each.differs else ''}",
            commands=(diff((each.runs[0], each.runs[1])),),
        )


def _untested(lesson: Lesson) -> list[Entry]:
    untested = lesson.factors.untested if lesson.enough else ()
    show = (command("trace", f"run:{lesson.newest}"),)
    said = []
    if untested:
        said.append(Entry(f"too few runs had any second value of {listed(untested)}", commands=show))
    if lesson.constant:
        said.append(
            Entry(f"nothing is known of what was the same in all runs: {listed(lesson.constant)}", commands=show)
        )
    return said


def _rows(rows: Iterable[str]) -> str:
    return " and ".join(f"{row.rpartition('@')[0]}@{row.rpartition('@')[2][:12]}" for row in list(rows)[:2])
