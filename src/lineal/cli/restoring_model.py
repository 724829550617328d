"""The part of `lineal restore` that is about models."""

from __future__ import annotations

from pathlib import Path

from lineal.cli.app import NOT_HELD, OK
from lineal.store.log import Store
from lineal.subjects import Subject


def restore_model(store: Store, subject: Subject, to: Path | None, *, force: bool, json: bool) -> int:
    """Bring everything that made a model into one folder, ready to run."""
    from lineal.reports import terminal
    from lineal.reports.restoring import render
    from lineal.reproduction import restoring

    folder = to or Path(f"{subject.name}-{subject.version}" if subject.version else subject.name)
    restored = restoring.restore_model(store, subject, folder, force=force)
    terminal.show(restored, render, as_json=json)
    return NOT_HELD if restored.missing else OK
