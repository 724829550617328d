"""`lineal export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import OK
from lineal.store.log import Store
from lineal.subjects import Subject

Flag = Annotated[bool, Parameter(negative=())]


def export(subject: str, /, *, to: Path, with_data: Flag = False, force: Flag = False, json: Flag = False) -> int:
    """Write a model's evidence pack: one zip file that outsiders check with their own tools, or with `lineal verify`.

    In it are the events of the model's whole descent with proofs that they are in the log, its files and signature,
    what it was made from and held to as signed statements, the audit, and a page to begin with. What cannot be had is
    named with the reason. That it was handed out goes on record.

    Args:
        subject: model:NAME@VERSION_OR_ALIAS.
        to: the file to write, *.zip.
        with_data: put the rows of the data in as well, which are left out otherwise.
        force: replace a file that is there.
        json: print one JSON object.
    """
    from lineal.packs import exporting, rendering
    from lineal.reports import terminal

    asked = Subject.parse(subject, allowed=("model",))
    answer = exporting.export(Store(create=False), asked, to, with_data=with_data, force=force)
    terminal.show(answer, rendering.exported, as_json=json)
    return OK
