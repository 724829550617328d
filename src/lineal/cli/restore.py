"""`lineal restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import OK
from lineal.store.log import Store
from lineal.subjects import Kind, Subject

KINDS: tuple[Kind, ...] = ("dataset", "model")


def restore(
    subject: str,
    /,
    *,
    to: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Bring the bytes of a recorded version back from DVC's cache or remote, and check them; of a model, all it is of.

    A model comes with what made it, ready to run: data, code, pipeline file, lock file, its own files. Exit status 1
    where a part of that is not to be had.

    Args:
        subject: dataset:NAME@VERSION or model:NAME@VERSION_OR_ALIAS.
        to: of a dataset the file to write, *.parquet or *.csv, or a folder; the DVC cache alone where it is left out.
            Of a model the folder; one named after it where it is left out.
        force: replace what is there.
        json: print one JSON object.
    """
    from lineal.reports import terminal

    asked = Subject.parse(subject, allowed=KINDS)
    store = Store(create=False)
    if asked.kind == "model":
        from lineal.cli.restoring_model import restore_model

        return restore_model(store, asked, to, force=force, json=json)
    from lineal.questions.restore import restore_dataset
    from lineal.reports.restore import render

    terminal.show(restore_dataset(store, asked, to, force=force), render, as_json=json)
    return OK
