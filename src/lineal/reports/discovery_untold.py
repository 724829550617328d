"""What the runs cannot tell yet, for a person: about how many more runs would tell it, and how to make them."""

from __future__ import annotations

from collections.abc import Iterator

from lineal.questions.discovery import Lesson
from lineal.questions.discovery.directions import direction
from lineal.questions.discovery.factors import FEWEST_RUNS, Factor
from lineal.questions.discovery.features import FEWEST_MODELS
from lineal.questions.discovery.pairs import FEWEST_PAIRS
from lineal.reports.discovery_words import (
    MOST,
    Entry,
    counted,
    diff,
    from_to,
    listed,
    run_again,
    settings_of,
    tied,
)
from lineal.reports.terminal import command, figure


def untold(lesson: Lesson) -> Iterator[Entry]:
    """What more runs would tell, what takes the fewest first."""
    if lesson.metric is None:
        return
    yield from _chance(lesson)
    yield from _features(lesson)
    yield from _best(lesson)
    yield from _nearest(lesson)
    if not lesson.enough:
        yield _factors(lesson)
    for factor in lesson.factors.untold[:MOST]:
        yield _factor(lesson, factor)


def in_short(lesson: Lesson) -> list[str]:
    """What cannot be told yet, in a few words each."""
    if lesson.metric is None:
        return []
    said = [f"what moves {lesson.metric}"] if not lesson.enough else []
    if lesson.noise is None or lesson.noise.more_runs:
        said.append("how much of it is chance")
    if lesson.features.models and lesson.features.more_models:
        said.append("which columns carry no weight")
    return said


def _chance(lesson: Lesson) -> Iterator[Entry]:
    floor = lesson.noise
    if floor is not None and not floor.more_runs:
        return
    more = floor.more_runs if floor else 4
    seen = (
        f"so far a standard deviation of {floor.deviation:.2g} with {counted(floor.freedom, 'degree')} of freedom"
        f" ({counted(floor.groups, 'set')} of runs), {floor.freedom + more} needed"
        if floor
        else "no two runs differ in their seeds alone yet"
    )
    # A floor of nothing at all is none to hold a change against.
    then = "" if floor and not floor.deviation else "; then even one changed setting can be held against it"
    yield Entry(
        f"how much {lesson.metric} changes by chance alone: {counted(more, 'more run')} with another seed and all else "
        f"alike would tell{then}",
        seen,
        run_again(lesson, f"split.seed={lesson.seed}") or (command("trace", f"run:{lesson.newest}"),),
    )


def _features(lesson: Lesson) -> Iterator[Entry]:
    features = lesson.features
    if features.models and features.more_models:
        yield Entry(
            f"which columns carry no weight in any model: {counted(features.more_models, 'more model')} of other "
            "settings or data would tell",
            f"importances of {counted(features.models, 'different model')} are on record, {FEWEST_MODELS} needed",
            (command("trace", f"run:{features.run or lesson.newest}"),),
        )


def _best(lesson: Lesson) -> Iterator[Entry]:
    if lesson.scored > 1 and not lesson.best:
        why = (
            "no two were scored on the same held-out rows; those with one seed and one version of the data are"
            if direction(str(lesson.metric))
            else f"whether more or less of {lesson.metric} is better is not known here; `--metric` asks for another"
        )
        yield Entry(f"which run is best: {why}", commands=(command("trace", f"run:{lesson.newest}"),))


def _nearest(lesson: Lesson) -> Iterator[Entry]:
    near = lesson.nearest
    if near is None or lesson.changes:
        return
    if near.median:
        did = f"{'raises' if near.median > 0 else 'lowers'} {lesson.metric}"
        seen = f"it did by {figure(abs(near.median))} in "
    else:
        did, seen = f"changes {lesson.metric}", "it did not in "
    pairs = "the one pair of runs" if near.pairs == 1 else f"the median of {near.pairs} pairs of runs"
    seed = f"split.seed={lesson.seed}"
    again = [line for setting in settings_of(near) for line in run_again(lesson, setting, seed)]
    yield Entry(
        f"whether {from_to(near)} {did}: {seen}{pairs} that differ in nothing else; "
        f"{counted(near.more_pairs, 'more pair')} would tell, both runs of a pair with one seed",
        f"median {near.median:+.4g}, {near.ups} up, {near.downs} down; n {near.pairs}, a sign test needs "
        f"{FEWEST_PAIRS}",
        (diff(near.runs[0]), *again),
    )


def _factors(lesson: Lesson) -> Entry:
    metric, scored = lesson.metric, lesson.scored
    more, least = lesson.factors.more_runs, FEWEST_RUNS - scored
    told = f"about {least:,} more, with other values, begin to show what matters most"
    if more > least:
        told += f"; about {more:,} more also show an effect as large as {metric} usually differs from run to run"
    varied = listed(lesson.factors.untested)
    key = next((name for name in lesson.factors.untested if name.startswith("model.")), "model.params.NAME")
    return Entry(
        f"which settings move {metric}: {counted(scored, 'run')} {'is' if scored == 1 else 'are'} too few; {told}",
        f"n {scored}, of fewer than {FEWEST_RUNS} chance ranks above what matters; {scored + more:,} tell one standard "
        f"deviation with a power of 80 %; varied so far: {varied or 'nothing'}",
        run_again(lesson, f"{key}=VALUE") or (command("trace", f"run:{lesson.newest}"),),
    )


def _factor(lesson: Lesson, factor: Factor) -> Entry:
    more = (
        f"about {factor.more_runs:,} more runs would tell"
        if factor.more_runs
        else "no likely number of runs would tell"
        if factor.more_runs is None
        else f"what it does may be around {figure(lesson.factors.smallest)}, the smallest change that counts"
    )
    return Entry(
        f"whether {factor.name} matters: the {figure(factor.effect)} by which {lesson.metric} differs with it may be "
        f"chance; {more}{tied(factor)}",
        f"effect {figure(factor.effect)}, 95 % interval [{figure(factor.low)}, {figure(factor.high)}], n "
        f"{' + '.join(str(level.runs) for level in factor.levels[:6])}",
        (diff((factor.low_run, factor.high_run)),),
    )
