"""MLflow: the one place of the library that imports it.

`check_reachable` and `namespace` answer at once, without importing MLflow. `start` and `resume` open a run and give a
`Recording` to write to; `register`, `holder`, `version`, `versions` and `set_alias` are the registry; `load_model`
brings a model back without running code from its file, `download` only its files. `connect` imports MLflow and opens
its store, so that a flow can have that done while it waits for something else.

Nothing here touches MLflow's global state (the active run, the tracking URI): a user's own calls of MLflow in the same
process keep their meaning.
"""

from __future__ import annotations

from lineal.models.tracking.connection import connect
from lineal.models.tracking.logged import download, load_model, requirements
from lineal.models.tracking.place import artifacts_of, check_reachable, files_of, namespace, run_url
from lineal.models.tracking.reading import artifact, artifacts_under, leave, mark, model_files, trained_on
from lineal.models.tracking.recording import Recording, Trial, resume, start
from lineal.models.tracking.registry import (
    RegisteredVersion,
    artifact_texts,
    delete_alias,
    holder,
    newest_version,
    register,
    run_tags,
    set_alias,
    set_version_tags,
    tracked_run,
    version,
    versions,
)

__all__ = [
    "Recording",
    "RegisteredVersion",
    "Trial",
    "artifact",
    "artifact_texts",
    "artifacts_of",
    "artifacts_under",
    "check_reachable",
    "connect",
    "delete_alias",
    "download",
    "files_of",
    "holder",
    "leave",
    "load_model",
    "mark",
    "model_files",
    "namespace",
    "newest_version",
    "register",
    "requirements",
    "resume",
    "run_tags",
    "run_url",
    "set_alias",
    "set_version_tags",
    "start",
    "tracked_run",
    "trained_on",
    "version",
    "versions",
]
