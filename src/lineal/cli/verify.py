"""`lineal verify`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK
from lineal.errors import EventError
from lineal.subjects import KINDS, Subject


def verify(
    subject: str | None = None,
    /,
    *,
    public_key: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    log: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Check that all on record is there and as it was recorded: the event log, its index, datasets, models; or a pack.

    Exit status 1 where something is missing, was changed, or could not be looked at; each is named. Source files that
    have changed since they were read are no fault of the record: `lineal stale` tells of those.

    Args:
        subject: check only what model:NAME@VERSION_OR_ALIAS, dataset:NAME@VERSION or run:ID rests on; or an evidence
            pack FILE.zip, here or on another machine: every file, signature and proof in it.
        public_key: believe signatures of this key's owner, and no others; may be given several times. Without it, this
            machine's own key and those in keys/trusted under LINEAL_HOME are believed.
        log: check this file alone, which `lineal events --checkpoints` wrote, here or on another machine.
        json: print one JSON object.
    """
    from lineal.reports import terminal

    if subject is not None and _is_pack(subject):
        if log is not None:
            raise EventError("--log and a pack are two things to check; leave one of them out")
        from lineal.packs import checking, rendering

        pack = checking.check(Path(subject), keys=public_key)
        terminal.show(pack, rendering.checked, as_json=json)
        return OK if pack.holds else NOT_HELD
    from lineal.questions import verify as question
    from lineal.reports.verify import render

    asked = Subject.parse(subject, allowed=question.KINDS) if subject is not None else None
    if log is not None:
        if asked is not None:
            raise EventError("--log checks a file by itself, which has no subjects; leave one of the two out")
        answer = question.verify_file(log, keys=public_key)
    else:
        from lineal.store.log import Store

        processes = min(os.cpu_count() or 1, 4)
        store = Store(create=False)
        answer = question.verify(store, asked, keys=public_key, processes=processes)
        if asked is not None and not answer.holds:
            from lineal.questions.decisions import shaken_by

            answer = shaken_by(store, answer)
    terminal.show(answer, render, as_json=json)
    return OK if answer.holds else NOT_HELD


def _is_pack(text: str) -> bool:
    """Whether it names a file, and nothing that is on record."""
    return text.partition(":")[0] not in KINDS and (text.lower().endswith(".zip") or Path(text).is_file())
