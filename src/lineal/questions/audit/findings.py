"""What a check finds: a verdict, a sentence, and what it rests on. Plain frozen data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lineal.questions.audit.facts import Run, Table

Verdict = Literal["pass", "fail", "review", "open", "n/a"]
VERDICTS: tuple[Verdict, ...] = ("fail", "open", "review", "pass", "n/a")
# How each is said: of a record, never of the law.
SAID: Mapping[Verdict, str] = {
    "pass": "the record supports it",
    "fail": "the record contradicts it",
    "review": "the facts are there, a person must judge",
    "open": "the record does not show it",
    "n/a": "does not apply",
}
Number = int | float | str
# So many of a kind are named; the command shows all.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What a check has found.

    Attributes:
        verdict: pass, fail, review, open or n/a.
        sentence: what was found, without the verdict's own words.
        runs: ids of the runs that it rests on.
        datasets: the versions that it rests on, as subjects.
        numbers: by name.
        command: shows them.
    """

    verdict: Verdict
    sentence: str
    runs: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    numbers: Mapping[str, Number] = field(default_factory=dict)
    command: str | None = None


def found(
    verdict: Verdict,
    sentence: str,
    *,
    runs: Iterable[Run | str | None] = (),
    datasets: Iterable[Table | str] = (),
    command: str | None = None,
    numbers: Mapping[str, Number] | None = None,
) -> Found:
    """Say what a check has found.

    Args:
        verdict: pass, fail, review, open or n/a.
        sentence: without the verdict's own words.
        runs: that it rests on.
        datasets: versions that it rests on.
        command: that shows them; of the runs or the model where it is left out.
        numbers: that it rests on.
    """
    ids = [run if isinstance(run, str) else run.id for run in runs if run is not None]
    subjects = [each if isinstance(each, str) else each.subject for each in datasets]
    if command is None and ids:
        command = f"lineal trace run:{ids[0]}"
    return Found(
        verdict,
        sentence,
        tuple(dict.fromkeys(ids))[:_MOST],
        tuple(dict.fromkeys(subjects))[:_MOST],
        dict(numbers or {}),
        command,
    )


def some(names: Iterable[str], most: int = 3) -> str:
    """Several names in a few words."""
    known = list(dict.fromkeys(names))
    return ", ".join(known[:most]) + (f" and {len(known) - most} more" if len(known) > most else "")


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number with what it counts."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
