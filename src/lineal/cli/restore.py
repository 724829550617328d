"""`lineal restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.cli.app import NOT_HELD, OK
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
    """Bring back a recorded dataset version, or everything that made a model, from DVC's cache or remote, and check it.

    Exit status 1 where a part of what made a model is not to be had; what there is is brought.

    Args:
        subject: dataset:NAME@VERSION or model:NAME@VERSION_OR_ALIAS.
        to: of a dataset the file to write, *.parquet or *.csv, or a folder; the DVC cache alone where it is left out.
            Of a model the folder that gets data, pipeline file, lock file, code and model, ready to run; one named
            after model and version where it is left out.
        force: replace what is there.
        json: print one JSON object.
    """
    from lineal.reports import terminal

    asked = Subject.parse(subject, allowed=KINDS)
    store = Store(create=False)
    if asked.kind == "dataset":
        from lineal.questions.restore import restore_dataset
        from lineal.reports import restore as report

        terminal.show(restore_dataset(store, asked, to, force=force), report.render, as_json=json)
        return OK
    from lineal.reports import restoring
    from lineal.reproduction.restoring import restore_model

    folder = to if to is not None else Path(str(asked).removeprefix("model:").replace("@", "-"))
    brought = restore_model(store, asked, folder, force=force)
    terminal.show(brought, restoring.render, as_json=json)
    return NOT_HELD if brought.missing else OK
