"""MLflow's client, its embedded store, and its errors in our words."""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal import settings
from lineal.errors import LinealError, StorageError, TrackingError, UnreachableError
from lineal.models.tracking import place
from lineal.redaction import redact

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LOCK = threading.Lock()
_CLIENTS: dict[tuple[str, str | None], MlflowClient] = {}
# What MLflow and its migrations tell of their own doings stays out of the way; their warnings do not, but for two:
_LEVELS = {
    "alembic": logging.WARNING,
    "mlflow": logging.WARNING,
    # It logs each error of the database with a traceback, beside raising it.
    "mlflow.store.db.utils": logging.CRITICAL,
    # It misses pip, which an environment made by uv need not have.
    "mlflow.utils.environment": logging.ERROR,
}


def connect() -> MlflowClient:
    """Import MLflow and open the store that `settings.tracking_uri` names; the embedded one is made if need be.

    Raises:
        StorageError: the embedded store cannot be made.
        TrackingError, UnreachableError: the store cannot be opened.
    """
    place.configure()
    where = settings.tracking_uri(), os.environ.get("MLFLOW_REGISTRY_URI")
    if where not in _CLIENTS:
        # Two at once would both make the store, and MLflow's migrations are for one thread only.
        with _LOCK, hushed(), explained("open its store"):
            if where not in _CLIENTS:
                _CLIENTS[where] = _opened(*where)
    return _CLIENTS[where]


@contextmanager
def hushed() -> Iterator[None]:
    """Keep back what MLflow warns of while it imports itself, opens its store and describes a model.

    That is its own use of its libraries, and advice that a user of ours cannot act on; and where they have made
    warnings errors, it would leave MLflow half set up.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _opened(tracking_uri: str, registry_uri: str | None) -> MlflowClient:
    from mlflow import MlflowClient

    if "MLFLOW_LOGGING_LEVEL" not in os.environ:
        for name, level in _LEVELS.items():
            logging.getLogger(name).setLevel(level)
    if place.is_embedded():
        _make_store(settings.home() / "mlflow.db")
    client = MlflowClient(tracking_uri=tracking_uri, registry_uri=registry_uri)
    # Opening is done at the first use; let that be here, where it is expected.
    client._tracking_client.store  # noqa: B018
    return client


def _make_store(file: Path) -> None:
    """Make the embedded database with MLflow's current tables, unless it is there.

    The migrations run in memory, which takes half the time, and the whole database is put in place at once: two
    processes that start together would otherwise migrate the same file.
    """
    if file.exists():
        return
    import sqlalchemy
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy.pool import StaticPool

    engine = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool)
    _initialize_tables(engine)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".mlflow-") as folder:
            made = Path(folder) / file.name
            with engine.connect() as connection, closing(sqlite3.connect(made)) as target:
                source: Any = connection.connection.driver_connection
                source.backup(target)
            _put(made, file)
    except (OSError, sqlite3.Error) as problem:
        raise StorageError(
            f"the MLflow database {file} cannot be made: {problem}; "
            "free the disk, or set LINEAL_HOME or MLFLOW_TRACKING_URI to a place that can be written"
        ) from problem
    finally:
        engine.dispose()


def _put(made: Path, file: Path) -> None:
    try:
        os.link(made, file)
    except FileExistsError:
        # Another process was first; its store is as good.
        return
    except OSError:
        # Some file systems have no links.
        made.replace(file)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn MLflow's errors into Lineal's.

    Args:
        doing: what MLflow was asked for, as in "MLflow cannot …".
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except LinealError:
        raise
    except MlflowException as problem:
        raise _translated(doing, problem) from problem
    except OSError as problem:
        raise StorageError(
            f"MLflow cannot {doing}: {problem.strerror or problem}"
            f"{f' ({problem.filename})' if problem.filename else ''}; free the disk, or change the permissions"
        ) from problem


def code_of(problem: Exception) -> str:
    """Return MLflow's name for what went wrong, such as `RESOURCE_DOES_NOT_EXIST`."""
    return str(getattr(problem, "error_code", ""))


def _translated(doing: str, problem: Exception) -> LinealError:
    uri = redact(settings.tracking_uri())
    detail = (
        redact(str(problem)).strip().splitlines()[0][:300].rstrip(".") if str(problem).strip() else "no reason given"
    )
    code = code_of(problem)
    if uri.startswith("http"):
        if code in ("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"):
            return TrackingError(
                f"the MLflow server {uri} does not let you {doing} ({detail}); "
                "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            )
        if _is_silence(problem) or code in ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"):
            return UnreachableError(
                f"the MLflow server {uri} did not {doing} ({detail}); see whether it still runs, then try again",
                uri=uri,
            )
    elif code == "TEMPORARILY_UNAVAILABLE":
        return StorageError(f"the MLflow store {uri} cannot {doing} ({detail}); see that its disk can be written")
    return TrackingError(f"MLflow at {uri} cannot {doing}: {detail}")


def _is_silence(problem: BaseException) -> bool:
    """Whether a request got no answer: MLflow tells that in words only."""
    text = str(problem)
    return "failed with exception" in text or "Max retries exceeded" in text or "Read timed out" in text
