"""Where runs and models are kept: told, and tried, without importing MLflow."""

from __future__ import annotations

import os
import re
import socket
import ssl
from contextlib import closing
from http.client import HTTPException
from importlib.metadata import entry_points
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import Request, urlopen

from lineal import settings
from lineal.errors import StorageError, TrackingError, UnreachableError
from lineal.models.model import TrackedRun
from lineal.redaction import redact

# Seconds that a server has to answer a request that costs it nothing.
_PATIENCE = 5
_HTTP_PORTS = {"http": 80, "https": 443}
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
# Said to be there by their own client, which has its own configuration.
_MANAGED = ("databricks", "databricks-uc", "uc")

# Set for this process where the user has not: MLflow's own would wait 120 s for an answer, and ask seven times.
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "14",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def configure() -> None:
    """Set how MLflow behaves in this process, but for what the user has set: patience, no telemetry, no printing."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def is_embedded() -> bool:
    """Whether the store is Lineal's own under its home, because no other is set."""
    return settings.tracking_uri() == f"sqlite:///{settings.home() / 'mlflow.db'}"


def artifacts() -> Path:
    """The folder that the embedded store keeps artifacts in."""
    return settings.home() / "mlartifacts"


def files_of(model_id: str) -> Path | None:
    """The folder of a logged model's files in the embedded store; None where they are elsewhere, or gone."""
    if not is_embedded() or not re.fullmatch(r"m-\w+", model_id):
        return None
    return next(artifacts().glob(f"*/models/{model_id}/artifacts"), None)


def artifacts_of(run_id: str) -> Path | None:
    """The folder of a run's artifacts in the embedded store; None where they are elsewhere, or gone."""
    if not is_embedded() or not re.fullmatch(r"[0-9a-f]{32}", run_id):
        return None
    return next(artifacts().glob(f"*/{run_id}/artifacts"), None)


def namespace() -> str:
    """Return the lineage namespace of models: `mlflow://host:port`, or `mlflow://local` where no server keeps them."""
    parts = urlsplit(settings.tracking_uri())
    if parts.scheme in _MANAGED or settings.tracking_uri() in _MANAGED:
        return f"mlflow://{parts.hostname or 'databricks'}"
    if parts.hostname is None:
        return "mlflow://local"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = _port(parts)
    return f"mlflow://{host}:{port}" if port else f"mlflow://{host}"


def run_url(tracked: TrackedRun) -> str | None:
    """Return the run's page in MLflow's own UI, where the tracking server is one that has pages."""
    if not tracked.tracking_uri.startswith(("http://", "https://")):
        return None
    server = tracked.tracking_uri.rstrip("/")
    return f"{server}/#/experiments/{tracked.experiment_id}/runs/{tracked.run_id}"


def check_reachable() -> None:
    """Find out within seconds whether runs can be recorded, before anything is computed.

    Raises:
        UnreachableError: a server does not answer; the message names it, credentials taken out.
        StorageError: a local store cannot be written.
        TrackingError: the URI is none that MLflow knows.
    """
    configure()
    uri = settings.tracking_uri()
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if uri in _MANAGED or scheme in _MANAGED:
        return
    if scheme in _HTTP_PORTS:
        _check_server(uri)
    elif scheme == "sqlite":
        _check_database_file(uri)
    elif scheme in _DATABASE_PORTS:
        _check_port(uri, parts)
    elif scheme in ("", "file"):
        folder = Path(unquote(parts.path) if scheme else uri)
        _require_writable(folder, f"the MLflow folder {folder}")
    elif scheme not in {point.name for point in entry_points(group="mlflow.tracking_store")}:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI={redact(uri)} has a scheme that MLflow does not know; "
            "write http://HOST:PORT, sqlite:///FILE or postgresql://HOST/DATABASE, or unset it"
        )


def _check_server(uri: str) -> None:
    server = redact(uri).rstrip("/")
    # MLflow answers this without a look at its store, and without credentials.
    request = Request(f"{server}/health", headers={"User-Agent": "lineal"})  # noqa: S310 - the scheme is http or https
    try:
        with urlopen(request, timeout=_PATIENCE, context=_tls(server)):  # noqa: S310 - as above
            return
    except HTTPError as problem:
        # Someone is there; whether they may be spoken to shows at the first real request.
        if problem.code < 500:
            return
        reason = f"answers {problem.code} {problem.reason}"
    except TimeoutError:
        reason = f"takes connections but does not answer within {_PATIENCE} s"
    except URLError as problem:
        reason = _reason(problem.reason)
    except (OSError, HTTPException, ValueError) as problem:
        reason = _reason(problem)
    raise UnreachableError(
        f"the MLflow tracking server {server} {reason}; start it, or correct MLFLOW_TRACKING_URI, "
        "or unset that to keep runs in the project",
        uri=server,
    )


def _check_port(uri: str, parts: SplitResult) -> None:
    if parts.hostname is None:
        return
    try:
        with closing(socket.create_connection((parts.hostname, _port(parts) or 0), timeout=_PATIENCE)):
            return
    except OSError as problem:
        raise UnreachableError(
            f"the MLflow database {redact(uri)} {_reason(problem)}; start it, or correct MLFLOW_TRACKING_URI",
            uri=redact(uri),
        ) from problem


def _check_database_file(uri: str) -> None:
    file = Path(uri.partition("?")[0].removeprefix("sqlite:///"))
    what = f"the MLflow database {file}"
    if not uri.startswith("sqlite:///") or not file.name:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI={uri} names no file, so no later process could read it; write sqlite:///FILE"
        )
    if file.is_dir():
        raise StorageError(f"{what} is a folder; correct MLFLOW_TRACKING_URI, or LINEAL_HOME, to name a file")
    if file.exists():
        with file.open("rb") as opened:
            start = opened.read(16)
        if start and start != b"SQLite format 3\0":
            raise StorageError(f"{what} is no SQLite database; move it away, or set MLFLOW_TRACKING_URI to another")
        if not os.access(file, os.W_OK):
            raise StorageError(f"{what} cannot be written; change its permissions, or set MLFLOW_TRACKING_URI")
    _require_writable(file.absolute().parent, what)


def _require_writable(folder: Path, what: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StorageError(
            f"{what} cannot be made: {problem.strerror} ({problem.filename}); "
            "set LINEAL_HOME or MLFLOW_TRACKING_URI to a place that can be written"
        ) from problem
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(
            f"{what} cannot be written: no permission for {folder}; "
            "set LINEAL_HOME or MLFLOW_TRACKING_URI to a place that can be written"
        )


def _port(parts: SplitResult) -> int | None:
    scheme = parts.scheme.partition("+")[0]
    try:
        given = parts.port
    except ValueError:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI={redact(parts.geturl())} has a port that is no number; write http://HOST:PORT"
        ) from None
    return given or _HTTP_PORTS.get(scheme) or _DATABASE_PORTS.get(scheme)


def _reason(problem: object) -> str:
    if isinstance(problem, TimeoutError):
        return f"does not answer within {_PATIENCE} s"
    if isinstance(problem, ConnectionRefusedError):
        return "refuses connections"
    if isinstance(problem, socket.gaierror):
        return "has a host name that cannot be found"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted ({problem.verify_message})"
    return f"cannot be reached ({redact(str(problem)) or type(problem).__name__})"


def _tls(server: str) -> ssl.SSLContext | None:
    """What MLflow's own variables say about certificates."""
    if not server.startswith("https://"):
        return None
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
        return ssl._create_unverified_context()  # noqa: S323 - the user asked MLflow for it
    return ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or None)
