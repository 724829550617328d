"""Check the event log against its checkpoints, in one pass and constant memory.

A checkpoint's signature holds what it says; its root holds the events under it. The leaf hashes that are kept beside it
hold nothing by themselves: where they fit the root, they tell which event it is that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lineal.questions.verify.findings import Finding, Problem, Tally
from lineal.signing import PublicKey
from lineal.store.checkpoints.checkpoint import NOTHING, Checkpoint, pack, unpack
from lineal.store.checkpoints.heads import Head
from lineal.store.checkpoints.making import SLICE
from lineal.store.checkpoints.merkle import Tree, leaf, root_of

# Of so many changed events it is looked whether they have only changed places.
_SWAPPED = 50


class Entry(NamedTuple):
    """One event as it stands in the log."""

    seq: int
    body: str
    run_id: str | None
    event_time: str | None


class _Seen(NamedTuple):
    seq: int
    hashed: bytes
    run_id: str | None
    event_time: str | None


@dataclass(frozen=True, slots=True)
class LogCheck:
    """What the check of a log has come to.

    Attributes:
        events: how many events there are.
        checkpoints: how many checkpoints.
        open: how many events are under none yet.
        newest: the newest checkpoint.
    """

    events: int
    checkpoints: int
    open: int
    newest: Checkpoint | None


def check_log(
    events: Iterable[Entry],
    checkpoints: Iterable[tuple[Checkpoint, bytes | None]],
    keys: Mapping[str, PublicKey],
    heads: Sequence[Head],
    tally: Tally,
    body_at: Callable[[int], str | None] = lambda _: None,
) -> LogCheck:
    """Check events against checkpoints.

    Args:
        events: in the order of their places.
        checkpoints: in the order of their numbers, each with the leaf hashes kept beside it where there are any.
        keys: those that signatures may be of, by id.
        heads: checkpoints that the log had once, known from elsewhere.
        tally: takes what does not hold.
        body_at: gives the body at a place once more, to tell whether changed events have only changed places.
    """
    check = _Check(iter(events), keys, tally, body_at)
    wanted = {head.number: head for head in heads}
    before: Checkpoint | None = None
    number = 0
    for checkpoint, kept in checkpoints:
        number += 1
        tally.take(check.chain(before, checkpoint))
        check.stretch(before, checkpoint, kept)
        head = wanted.pop(checkpoint.number, None)
        if head is not None and head.digest != checkpoint.digest:
            tally.add(not_that(head))
        before = checkpoint
    check.finish()
    for head in wanted.values():
        tally.add(cut_off(head, before))
    check.tell_untrusted()
    tally.count = check.events
    return LogCheck(check.events, number, check.events - check.covered, before)


class _Check:
    def __init__(
        self,
        events: Iterator[Entry],
        keys: Mapping[str, PublicKey],
        tally: Tally,
        body_at: Callable[[int], str | None],
    ) -> None:
        self.events = 0
        self.covered = 0
        self._entries = events
        self._next = next(events, None)
        self._keys = keys
        self._tally = tally
        self._body_at = body_at
        self._good_signature = True
        self._untrusted: dict[str, list[int]] = {}

    def chain(self, before: Checkpoint | None, here: Checkpoint) -> Iterator[Finding]:
        """What of a checkpoint's own row does not hold."""
        what = f"checkpoint {here.number}"
        before_good = self._good_signature
        key = self._keys.get(here.key)
        self._good_signature = key is not None and here.is_signed_by(key)
        if key is None:
            self._untrusted.setdefault(here.key, []).append(here.number)
        elif not self._good_signature:
            yield Finding("log", "changed", what, f"(made {here.made_at}) its signature is not of what it says now")
        expected = before.number + 1 if before else 1
        if here.number > expected:
            gone = f"{expected}" if here.number == expected + 1 else f"{expected} to {here.number - 1}"
            yield Finding("log", "missing", f"checkpoint {gone}", f"there is none before checkpoint {here.number}")
        elif here.previous != (before.digest if before else NOTHING) and before_good and self._good_signature:
            yield Finding("log", "changed", what, f"it does not follow on checkpoint {here.number - 1} as that stands")

    def stretch(self, before: Checkpoint | None, here: Checkpoint, kept: bytes | None) -> None:
        """Check the events under a checkpoint."""
        follows = here.number == (before.number + 1 if before else 1)
        if not follows:
            # They were under a checkpoint that is gone.
            for _ in self._upto(here.first_seq - 1):
                pass
        tree, seen = Tree(), list[_Seen]()
        for entry in self._upto(here.last_seq):
            hashed = leaf(entry.seq, entry.body)
            tree.add(hashed)
            # What a changed row claims may be the whole log.
            if len(seen) <= 2 * SLICE:
                seen.append(_Seen(entry.seq, hashed, entry.run_id, entry.event_time))
        self.covered += tree.count
        stands = pack((each.seq, each.hashed) for each in seen)
        if tree.root().hex() == here.root:
            if kept is not None and kept != stands:
                detail = "what is kept beside it to name single events was changed; the events are as they were"
                self._tally.add(Finding("log", "changed", f"checkpoint {here.number}", detail))
            return
        was = unpack(kept or b"")
        if kept is None or root_of([hashed for _, hashed in was]).hex() != here.root:
            if self._good_signature or here.key not in self._keys:
                self._tally.add(_somewhere(here, seen, tree.count))
            return
        self._tally.take(self._differences(here, was, seen))

    def finish(self) -> None:
        """Count the events under no checkpoint."""
        for _ in self._upto(None):
            pass

    def tell_untrusted(self) -> None:
        """Name the keys that are not believed, each once."""
        for key, numbers in self._untrusted.items():
            some = f"checkpoint {numbers[0]}" if len(numbers) == 1 else f"checkpoints {numbers[0]} to {numbers[-1]}"
            have = ", ".join(each.id[:12] for each in self._keys.values()) or "none"
            detail = (
                f"signed {some}, and is not trusted here (trusted: {have}); "
                "if it is the right one, give its public key by --public-key, or put that into keys/trusted"
            )
            self._tally.add(Finding("log", "not trusted", f"key {key[:12]}", detail))

    def _upto(self, last: int | None) -> Iterator[Entry]:
        while self._next is not None and (last is None or self._next.seq <= last):
            self.events += 1
            yield self._next
            self._next = next(self._entries, None)

    def _differences(
        self, here: Checkpoint, was: Sequence[tuple[int, bytes]], seen: Sequence[_Seen]
    ) -> Iterator[Finding]:
        """Name the events that are not what they were, by the leaf hashes that fit the signed root."""
        hashes, now = dict(was), {each.seq: each for each in seen}
        altered = {seq for seq, each in now.items() if seq in hashes and hashes[seq] != each.hashed}
        under = f"under checkpoint {here.number} of {here.made_at}"
        moved = self._moved([now[seq] for seq in sorted(altered)[:_SWAPPED]], hashes)
        near: _Seen | None = None
        for seq in sorted({*hashes, *now}):
            each = now.get(seq)
            if each is None:
                by = f"; the one before it is event {near.seq} of run {near.run_id}" if near else ""
                time, run = (near.event_time, near.run_id) if near else (None, None)
                yield Finding("log", "missing", f"event {seq}", f"it stood {under}{by}", seq, time, run)
                continue
            near = each
            problem: Problem = "changed"
            if seq not in hashes:
                problem, detail = "inserted", f"it did not stand {under}"
            elif seq not in altered:
                continue
            elif seq in moved:
                detail = f"what stands here now stood at event {moved[seq]} {under}"
            else:
                detail = f"it is not what stood {under}"
            yield Finding("log", problem, f"event {seq}", detail, seq, each.event_time, each.run_id)

    def _moved(self, changed: Sequence[_Seen], hashes: Mapping[int, bytes]) -> dict[int, int]:
        """Of changed events, where what stands there now stood before."""
        found = {}
        for each in changed:
            body = self._body_at(each.seq)
            for other in changed if body is not None else ():
                if body is not None and other.seq != each.seq and leaf(other.seq, body) == hashes[other.seq]:
                    found[each.seq] = other.seq
        return found


def _somewhere(here: Checkpoint, seen: Sequence[_Seen], count: int) -> Finding:
    first = seen[0] if seen else None
    where = f"events {here.first_seq} to {here.last_seq}"
    detail = f"they are not what checkpoint {here.number} of {here.made_at} was made over"
    if count != here.count:
        detail += f": {here.count} then, {count} now"
    place = (first.seq, first.event_time, first.run_id) if first else (here.first_seq, None, None)
    return Finding("log", "changed" if seen else "missing", where, detail, *place)


def not_that(head: Head) -> Finding:
    """A checkpoint that is another one than was noted elsewhere."""
    detail = f"it is not the one that {_noted(head)}: the log was written anew"
    return Finding("log", "changed", f"checkpoint {head.number}", detail)


def cut_off(head: Head, newest: Checkpoint | None) -> Finding:
    """Checkpoints that are not there any more, by what was noted elsewhere."""
    last = newest.number if newest else 0
    gone = f"checkpoint {head.number}" if head.number == last + 1 else f"checkpoints {last + 1} to {head.number}"
    detail = f"the log was cut off, or is another one, as {_noted(head)} checkpoint {head.number}"
    if head.made_at:
        detail += "; if the store was begun anew on purpose, remove that file"
    return Finding("log", "missing", gone, detail)


def _noted(head: Head) -> str:
    return f"{head.origin} notes{f' of {head.made_at}' if head.made_at else ''}"
