"""`lineal restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.store.log import Store
from lineal.subjects import Kind, Subject

KINDS: tuple[Kind, ...] = ("dataset",)


def restore(
    subject: str,
    /,
    *,
    to: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Bring the bytes of a recorded version back from DVC's cache or remote, and check them.

    Args:
        subject: dataset:NAME@VERSION.
        to: the file to write, *.parquet or *.csv, or a folder; the DVC cache alone where it is left out.
        force: replace a file that is there.
        json: print one JSON object.
    """
    from lineal.reports import terminal

    asked = Subject.parse(subject, allowed=KINDS)
    store = Store(create=False)
    from lineal.questions.restore import restore_dataset
    from lineal.reports.restore import render

    terminal.show(restore_dataset(store, asked, to, force=force), render, as_json=json)
