"""Where a model's file lies on this disk: MLflow's SQLite store says so without MLflow, whose import takes seconds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lineal import settings
from lineal.models import storage

_QUERIES = {
    "logged": "SELECT artifact_location FROM logged_models WHERE model_id = ?",
    "version": "SELECT storage_location FROM model_versions WHERE name = ? AND version = ?",
}


def model_file(uri: str) -> Path | None:
    """Return the skops file of a model; None where MLflow itself must be asked.

    Args:
        uri: `models:/m-…` or `models:/NAME/NUMBER`.
    """
    store = settings.tracking_uri()
    if not store.startswith("sqlite:///") or not uri.startswith("models:/"):
        return None
    name, _, number = uri.removeprefix("models:/").partition("/")
    if (not number and not name.startswith("m-")) or "@" in name or (number and not number.isdecimal()):
        return None
    database = Path(unquote(store.removeprefix("sqlite:///").partition("?")[0]))
    if not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            query, values = (_QUERIES["version"], (name, int(number))) if number else (_QUERIES["logged"], (name,))
            row = connection.execute(query, values).fetchone()
    except sqlite3.Error:
        # Of another MLflow, or busy: MLflow's own client knows what to do.
        return None
    if row is None or not row[0]:
        return None
    place = urlsplit(str(row[0]))
    if place.scheme not in ("", "file"):
        return None
    file = Path(unquote(place.path)) / storage.FILE_NAME
    return file if file.is_file() else None
