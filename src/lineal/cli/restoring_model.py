"""The part of `lineal restore` that is about models."""

from __future__ import annotations

from pathlib import Path

from lineal.cli.app import NOT_HELD, OK


def restore_model(subject: str, to: str | None, force: bool, json: bool) -> int:
    """Bring everything that made a model into one folder, ready to run.

    Exit status 1 where a part of it is not to be had; what there is is brought.

    Args:
        subject: the model, as model:NAME@VERSION_OR_ALIAS.
        to: the folder; default one beside the working folder's files, named after the model and its version.
        force: write over what is in the folder.
        json: print one JSON object.
    """
    from lineal.reports import terminal
    from lineal.reports.restoring import render
    from lineal.reproduction import restoring
    from lineal.store.log import Store
    from lineal.subjects import Subject

    asked = Subject.parse(subject, allowed=("model",))
    folder = Path(to if to is not None else str(asked).removeprefix("model:").replace("@", "-"))
    restored = restoring.restore_model(Store(create=False), asked, folder, force=force)
    terminal.show(restored, render, as_json=json)
    return NOT_HELD if restored.missing else OK
