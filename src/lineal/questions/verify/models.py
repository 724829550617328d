"""Check models: MLflow's files, their signature and digest, and what MLflow says of versions and aliases."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lineal import settings
from lineal.errors import (
    EstimatorError,
    LinealError,
    SigningError,
    StorageError,
    TrackingError,
    UnreachableError,
    UntrustedModelError,
)
from lineal.models import signature, storage, tracking
from lineal.questions import lookup
from lineal.questions.lookup import ModelRow
from lineal.questions.verify.findings import Finding, Problem, Tally
from lineal.questions.verify.things import Scope, things
from lineal.redaction import redact
from lineal.signing import PublicKey, trusted
from lineal.store.checkpoints.heads import Head
from lineal.store.log import Store

# The tag by which an MLflow run names the newest checkpoint of the log when its model was registered.
TAG = "lineal.checkpoint"


@dataclass(frozen=True, slots=True)
class _Logged:
    """A model as it lies in MLflow: what it is called, where it is found, what it must be."""

    what: str
    uri: str
    digest: str
    server: str


@dataclass(frozen=True, slots=True)
class ModelsCheck:
    """What the check of models has come to, beside its findings.

    Attributes:
        unsigned: how many have no signature beside them.
        heads: the checkpoints that MLflow's runs name.
    """

    unsigned: int
    heads: tuple[Head, ...]


def check_models(
    store: Store, scope: Scope | None, keys: Mapping[str, PublicKey], models: Tally, registry: Tally
) -> ModelsCheck:
    """Check every model on record.

    Args:
        store: the lineage store.
        scope: only those in it.
        keys: those that models' signatures may be of.
        models: takes what of the files does not hold.
        registry: takes what MLflow says otherwise than the record.
    """
    registered = [row for row in lookup.models(store) if scope is None or row.version in scope.versions]
    logged = list(_logged(store, scope, registered))
    if not logged:
        return ModelsCheck(0, ())
    away = _why_away()
    unsigned = 0
    for each in logged:
        models.count += 1
        reason = _elsewhere(each.server) or away
        if reason is not None:
            models.add(Finding("models", "not reachable", each.what, reason))
            continue
        found, signed = _check(each, keys)
        unsigned += not signed
        if found is not None:
            models.add(found)
    heads: list[Head] = []
    for row in registered:
        registry.count += 1
        reason = _elsewhere(row.namespace) or away
        if reason is not None:
            registry.add(Finding("mlflow", "not reachable", f"model:{row.name}@{row.number}", reason))
    if away is None:
        here = [row for row in registered if _elsewhere(row.namespace) is None]
        for name in dict.fromkeys(row.name for row in here):
            heads += _check_name(store, name, [row for row in here if row.name == name], scope is None, registry)
    return ModelsCheck(unsigned, tuple(heads))


def check_model(row: ModelRow) -> Finding | None:
    """Check one registered model: that its files are there and are what was recorded; None where they are."""
    each = _Logged(f"model:{row.name}@{row.number}", f"models:/{row.name}/{row.number}", row.digest, row.namespace)
    reason = _elsewhere(each.server) or _why_away()
    if reason is not None:
        return Finding("models", "not reachable", each.what, reason)
    return _check(each, trusted("models"))[0]


def _logged(store: Store, scope: Scope | None, registered: list[ModelRow]) -> Iterator[_Logged]:
    for row in registered:
        uri = f"models:/{row.name}/{row.number}"
        yield _Logged(f"model:{row.name}@{row.number}", uri, row.digest, row.namespace)
    # What was registered is the same files again.
    known = {row.digest for row in registered}
    for thing in things(store, scope, models=True):
        catalog = thing.facets.get("catalog") or {}
        uri = str((catalog.get("catalogProperties") or {}).get("uri", ""))
        if uri.startswith("models:/m-") and thing.row.version not in known:
            what = f"{thing.row.name} {thing.row.version[:12]} ({uri})"
            yield _Logged(what, uri, thing.row.version, str(catalog.get("metadataUri", "")))


def _elsewhere(server: str) -> str | None:
    """Why a model of a server cannot be looked at from here: another server is set."""
    now = tracking.namespace() if server.startswith("mlflow://") else redact(settings.tracking_uri())
    # A database's file may have been moved with its project.
    if server == now or not server.startswith(("mlflow://", "http")):
        return None
    return f"it is in {server}, and {redact(settings.tracking_uri())} is set; set MLFLOW_TRACKING_URI to that server"


def _why_away() -> str | None:
    try:
        tracking.check_reachable()
        tracking.connect()
    except (UnreachableError, StorageError, TrackingError) as problem:
        return problem.message
    return None


def _check(logged: _Logged, keys: Mapping[str, PublicKey]) -> tuple[Finding | None, bool]:
    """What of one model does not hold, and whether it is signed at all."""

    def found(problem: Problem, detail: str) -> Finding:
        return Finding("models", problem, logged.what, detail)

    with tempfile.TemporaryDirectory(prefix="lineal-verify-") as temporary:
        try:
            folder = tracking.download(logged.uri, Path(temporary))
        except UnreachableError as problem:
            return found("not reachable", problem.message), True
        except LinealError as problem:
            return found("missing", problem.message), True
        file = folder / storage.FILE_NAME
        signed = (folder / signature.FILE_NAME).exists()
        if not file.exists():
            return found("missing", f"MLflow's {logged.uri} has no {storage.FILE_NAME}"), signed
        wrong = _wrong_signature(logged, folder, keys) if signed else None
        if wrong is not None:
            return found(*wrong), signed
        wrong = _wrong_file(logged, file, signed=signed)
        return (found(*wrong) if wrong else None), signed


def _wrong_signature(logged: _Logged, folder: Path, keys: Mapping[str, PublicKey]) -> tuple[Problem, str] | None:
    try:
        said = signature.check(folder, keys)
    except SigningError as problem:
        return "changed", problem.message
    names = [f"{name} was {how}" for how in ("changed", "missing", "added") for name in getattr(said, how)]
    if names:
        return "changed", f"not as it was signed: {', '.join(names)}"
    if said.subject != logged.digest:
        return "changed", f"it is signed as the model {said.subject[:12]}, not as the recorded {logged.digest[:12]}"
    if not said.trusted:
        return "not trusted", f"it is signed with the key {said.key[:12]}, which is not trusted here"
    return None


def _wrong_file(logged: _Logged, file: Path, *, signed: bool) -> tuple[Problem, str] | None:
    from lineal.models.digest import digest

    try:
        now = digest(storage.load(file))
    except UntrustedModelError as problem:
        # A class of the user's own, which is not loaded on the record's word. Signed as the recorded model, it is it.
        return None if signed else ("not trusted", problem.message)
    except EstimatorError as problem:
        return "changed", problem.message
    if now != logged.digest:
        return "changed", f"its digest is {now[:12]}…, not the recorded {logged.digest[:12]}…"
    return None


def _check_name(store: Store, name: str, rows: list[ModelRow], whole: bool, tally: Tally) -> Iterator[Head]:
    """Compare what MLflow says of a registered model; gives the checkpoints that its runs name."""
    try:
        there = {each.number: each for each in tracking.versions(name)}
        runs = {row.number: there[row.number].run_id for row in rows if row.number in there}
        tags = {number: tracking.run_tags(run) for number, run in runs.items() if run}
    except LinealError as problem:
        problem_kind: Problem = "not reachable" if isinstance(problem, UnreachableError) else "missing"
        tally.add(Finding("mlflow", problem_kind, f"model:{name}", problem.message))
        return
    for row in rows:
        what, version = f"model:{name}@{row.number}", there.get(row.number)
        if version is None:
            tally.add(Finding("mlflow", "missing", what, "MLflow has no such version"))
            continue
        if version.digest != row.digest:
            detail = f"MLflow's tag lineal.digest says {version.digest or 'nothing'}, the record {row.digest}"
            tally.add(Finding("mlflow", "changed", what, detail))
        for alias in sorted(set(row.aliases) ^ set(version.aliases)):
            says = "MLflow says so and the record does not" if alias in version.aliases else "MLflow does not say so"
            tally.add(Finding("mlflow", "changed", what, f"it holds @{alias}: {says}"))
    known = {row.number for row in lookup.models(store, name)}
    for number, version in there.items() if whole else ():
        if number not in known and version.digest is not None:
            detail = "MLflow has it as registered by Lineal, but from another store, or its events were taken out"
            tally.add(Finding("mlflow", "inserted", f"model:{name}@{number}", detail))
    for number, said in tags.items():
        place, _, digest = said.get(TAG, "").partition(" ")
        if place.isdigit() and digest:
            yield Head(int(place), digest, "", f"MLflow's run of model:{name}@{number}")
