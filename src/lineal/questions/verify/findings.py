"""What `verify` finds: plain data, a line a family and an item a thing that does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lineal.store.checkpoints import Checkpoint

if TYPE_CHECKING:
    from lineal.questions.decisions import Decided

Family = Literal["log", "index", "datasets", "models", "mlflow"]
Problem = Literal["changed", "missing", "inserted", "not trusted", "not reachable"]

# The most that an answer names one by one.
MOST = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold.

    Attributes:
        family: what it belongs to.
        problem: changed, missing, inserted; not trusted: signed by a key that is not believed here; not reachable:
            could not be looked at, which says nothing of what it is.
        what: the thing, such as `event 17` or `dataset:wine.train@3f2a…`.
        detail: in what it does not hold, and what to do.
        seq: the event's place in the log.
        event_time: of the event, as recorded.
        run_id: of the event.
    """

    family: Family
    problem: Problem
    what: str
    detail: str
    seq: int | None = None
    event_time: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """How much of a family was looked at.

    Attributes:
        family: which.
        count: how many things were looked at.
        wrong: how many of them do not hold.
        note: what else is to be said, in a few words.
    """

    family: Family
    count: int
    wrong: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer to `verify`.

    Attributes:
        subject: what it was asked about; None for all.
        source: the store, or the file of an exported log.
        checked: a line a family.
        findings: what does not hold, the first places first; at most `MOST` of each family.
        newest: the newest checkpoint; what is published of it elsewhere holds whoever has the key as well.
        shaken: decisions on the subject that no longer count, for what was found; `lineal.questions.decisions` tells.
    """

    subject: str | None
    source: str
    checked: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    newest: Checkpoint | None = None
    shaken: tuple[Decided, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all that was looked at is there and as it was recorded."""
        return not any(each.wrong for each in self.checked)


@dataclass(slots=True)
class Tally:
    """Findings of one family as they come: all counted, the first kept.

    Attributes:
        family: which.
        runs: of findings on events of runs, only those on these are taken; None: all.
    """

    family: Family
    runs: frozenset[str] | None = None
    count: int = 0
    wrong: int = 0
    kept: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """Take a finding."""
        # What is missing may have been anyone's.
        others = self.runs is not None and finding.run_id is not None and finding.run_id not in self.runs
        if others and finding.problem != "missing":
            return
        self.wrong += 1
        if len(self.kept) < MOST:
            self.kept.append(finding)

    def take(self, findings: Iterator[Finding]) -> None:
        """Take several."""
        for each in findings:
            self.add(each)

    def checked(self, note: str = "") -> Checked:
        """The family's line."""
        return Checked(self.family, self.count, self.wrong, note)
