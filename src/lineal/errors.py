"""Everything Lineal raises on purpose.

::

    LinealError                   (exit status 2: wrong usage or input)
    ├── PipelineFileError         the pipeline file: syntax, unknown key, wrong type, impossible combination
    ├── SourceError               the data source: missing, empty, ragged, wrong encoding
    │   └── UnreachableError      a remote path, database or server that does not answer
    ├── DataError                 the rows: target, id, split, a reserved column
    │   └── CheckError            a check of the pipeline file that the rows do not hold
    ├── EstimatorError            an estimator, parameter, metric or fit that scikit-learn refuses
    │   └── UntrustedModelError   a model file that holds types outside Lineal's own list
    ├── SubjectError              a subject that is malformed, unknown or ambiguous
    ├── MomentError               a time that is none, lies ahead, or before anything was recorded
    ├── ProjectError              no project, flow or setting where one is needed
    ├── TrackingError             an MLflow server, store or registry that refuses
    ├── StorageError              a disk that is full, read-only or not ours to write
    ├── VersionError              a dataset version whose bytes are gone, or are not those that were recorded
    ├── PolicyError               a policy: syntax, unknown key, check, parameter or form of a clause; a check's code
    ├── RecalledError             data or a model that was recalled, or that rests on something that was
    ├── DecisionError             a decision that cannot be taken: by the author, on changed evidence, without a reason
    ├── ReproductionError         a model that cannot be made again: code, package, Python or data that is gone
    ├── EventError                an event or event log from elsewhere that is no valid OpenLineage
    ├── StoreError                the lineage store: locked, read-only, of another version
    │   └── NothingRecordedError  a store that is asked before anything was recorded in it
    ├── PackError                 an evidence pack that is none, cannot be read, or is not safe to unpack
    ├── SigningError              a key that is none, does not fit, or cannot be read
    └── DeliveryError             a consumer of the events: its configuration, or what is asked of its delivery

The message of each is one sentence for a person: what is wrong, where, and what to do. What a program may want to
know stands in attributes (`path`, `line`, `column`, `key`, `subject`).
"""

from __future__ import annotations

from pathlib import Path


class LinealError(Exception):
    """Say in one sentence what is wrong, where, and what to do about it.

    Attributes:
        exit_status: what the `lineal` command ends with when this reaches it.
    """

    exit_status = 2

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        # An error crosses processes (Dask, Prefect results): rebuild it whatever its own signature.
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[LinealError], message: str, state: dict[str, object]) -> LinealError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class PipelineFileError(LinealError):
    """A pipeline file that cannot be used as it stands."""

    def __init__(
        self, message: str, *, path: Path | None = None, key: str | None = None, line: int | None = None
    ) -> None:
        self.path, self.key, self.line = path, key, line
        where = ":".join(str(part) for part in (path, line) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)


class SourceError(LinealError):
    """A data source that cannot be read."""

    def __init__(
        self, message: str, *, uri: str | None = None, line: int | None = None, column: str | None = None
    ) -> None:
        self.uri, self.line, self.column = uri, line, column
        super().__init__(message)


class UnreachableError(SourceError):
    """A remote path, database or server that does not answer."""


class DataError(LinealError):
    """Rows that cannot be used for what the pipeline asks."""

    def __init__(self, message: str, *, column: str | None = None) -> None:
        self.column = column
        super().__init__(message)


class CheckError(DataError):
    """A check of the pipeline file that the rows do not hold."""


class EstimatorError(LinealError):
    """An estimator, parameter, metric or fit that scikit-learn refuses."""


class UntrustedModelError(EstimatorError):
    """A model file that holds types outside Lineal's own list."""


class SubjectError(LinealError):
    """A subject that is malformed, unknown or ambiguous."""

    def __init__(self, message: str, *, subject: str | None = None) -> None:
        self.subject = subject
        super().__init__(message)


class MomentError(LinealError):
    """A time that cannot be asked about: it is none, lies ahead, or before anything was recorded."""


class ProjectError(LinealError):
    """No project, flow or setting where one is needed."""


class TrackingError(LinealError):
    """An MLflow server, store or registry that refuses what it is asked."""


class StorageError(LinealError):
    """A disk that is full, read-only or not ours to write."""


class VersionError(LinealError):
    """A dataset version whose bytes are gone, or are not those that were recorded."""

    def __init__(self, message: str, *, version: str | None = None) -> None:
        self.version = version
        super().__init__(message)


class PolicyError(LinealError):
    """A policy, or a check that it names, that cannot be used as it stands."""

    def __init__(
        self, message: str, *, path: Path | None = None, key: str | None = None, line: int | None = None
    ) -> None:
        self.path, self.key, self.line = path, key, line
        where = ":".join(str(part) for part in (path, line) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)


class RecalledError(LinealError):
    """Data or a model that is not to be used: it was recalled, or rests on something that was."""

    def __init__(self, message: str, *, subject: str | None = None) -> None:
        self.subject = subject
        super().__init__(message)


class DecisionError(LinealError):
    """A decision that cannot be taken as it is asked for, or that its evidence no longer bears."""

    def __init__(self, message: str, *, subject: str | None = None) -> None:
        self.subject = subject
        super().__init__(message)


class ReproductionError(LinealError):
    """A model that cannot be made again, as something that it takes is not to be had.

    Attributes:
        status: that of the process that was to make it; None where it was not begun.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message)


class EventError(LinealError):
    """An event or event log from elsewhere that is no valid OpenLineage."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        self.line = line
        super().__init__(message)


class StoreError(LinealError):
    """A lineage store that cannot be read or written."""


class NothingRecordedError(StoreError):
    """A store that is asked before anything was recorded in it."""


class PackError(LinealError):
    """A file that is no evidence pack, or one that cannot be read or is not safe to unpack."""

    def __init__(self, message: str, *, path: Path | None = None) -> None:
        self.path = path
        super().__init__(f"{path}: {message}" if path is not None else message)


class SigningError(LinealError):
    """A key that is none, is of another kind, or cannot be read."""


class DeliveryError(LinealError):
    """A consumer of events whose configuration cannot be used, or one that is not there."""
