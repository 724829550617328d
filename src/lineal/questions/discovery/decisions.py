"""Decisions on record whose evidence no longer stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lineal.questions.discovery.directions import direction
from lineal.questions.discovery.experiments import Experiment
from lineal.questions.lookup import AliasMove


@dataclass(frozen=True, slots=True)
class Shaken:
    """A decision, and what has come up against what it rested on.

    Attributes:
        subject: what was decided on.
        decided: what was decided, in words.
        why: what no longer stands.
        command: shows it.
    """

    subject: str
    decided: str
    at: str
    reason: str | None
    why: str
    runs: tuple[str, ...]
    command: str


def shaken(
    moves: Sequence[AliasMove],
    made_by: Mapping[tuple[str, int], str],
    experiments: Sequence[Experiment],
    metric: str,
    noise: float | None,
) -> tuple[Shaken, ...]:
    """Find the alias moves whose evidence no longer stands.

    Args:
        moves: those in force, each the last of its alias.
        made_by: the experiment that made a model version, by name and number.
        experiments: of one pipeline.
        metric: that the models are judged by.
        noise: its standard deviation from seeds alone, where known.
    """
    by_id = {each.run_id: each for each in experiments}
    broken: dict[tuple[str, str], Experiment] = {}
    for each in experiments:
        for pair in each.data.items():
            if each.failed_checks:
                broken.setdefault(pair, each)
    found = []
    for move in moves:
        run = by_id.get(made_by.get((move.name, move.number or 0), ""))
        if run is None:
            continue
        former = by_id.get(made_by.get((move.name, move.previous or 0), ""))
        found += _of_move(move, run, former, broken, metric, noise)
    return tuple(found)


def _of_move(
    move: AliasMove,
    run: Experiment,
    former: Experiment | None,
    broken: Mapping[tuple[str, str], Experiment],
    metric: str,
    noise: float | None,
) -> list[Shaken]:
    subject = f"model:{move.name}@{move.number}"
    decided = f"@{move.alias} moved to version {move.number}"

    def because(why: str, runs: tuple[str, ...], command: str) -> Shaken:
        return Shaken(subject, decided, move.moved_at, move.reason, why, runs, command)

    found = []
    for pair in run.data.items():
        bad = broken.get(pair)
        if bad is not None and bad.run_id != run.run_id:
            why = f"its data {pair[0]}@{pair[1][:12]} has since failed the check {bad.failed_checks[0]}"
            found.append(because(why, (run.run_id, bad.run_id), f"lineal trace run:{bad.run_id}"))
    new, old = run.score(metric), former.score(metric) if former else None
    better = direction(metric)
    if former is not None and new is not None and old is not None and new.rows == old.rows and noise and better:
        ahead = (new.value - old.value) * better
        if 0 <= ahead < 2 * noise * 2**0.5:
            why = (
                f"{metric} was {ahead:.4g} ahead of version {move.previous}, which is inside what another seed alone "
                f"makes (± {2 * noise * 2**0.5:.2g})"
            )
            command = f"lineal diff model:{move.name}@{move.previous} {subject}"
            found.append(because(why, (former.run_id, run.run_id), command))
    return found
