"""in-toto statements on a model, each in a DSSE envelope under the log's key.

- SLSA provenance (https://slsa.dev/provenance/v1): what it was made from, by what, with which parameters;
- a test result (https://in-toto.io/attestation/test-result/v0.1): what the audit came to, whatever that is;
- a summary (https://in-toto.io/attestation/svr/v0.2): what of the audit passed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from lineal.packs.envelope import IN_TOTO, MEDIA_TYPE, seal
from lineal.packs.formats.said import address, digests, label
from lineal.packs.interface import Document
from lineal.questions.audit import Audit, ModelAudit, Result, fails
from lineal.questions.audit.facts import Table
from lineal.questions.dossier import Dossier
from lineal.redaction import redact
from lineal.signing import SigningKey

FOLDER = "attestations"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
SUMMARY = "https://in-toto.io/attestation/svr/v0.2"
_BUILD_TYPE = "urn:lineal:build:train:1"
_ID = "urn:lineal"


@dataclass(frozen=True, slots=True)
class About:
    """What statements are about.

    Attributes:
        files: the model's files in the pack, each with its SHA-256.
        policies: the policies' files in the pack, each with its SHA-256.
    """

    files: Mapping[str, str]
    policies: Mapping[str, str]


def documents(dossier: Dossier, about: About, key: SigningKey) -> Iterator[Document]:
    """Give the statements on a model.

    Args:
        dossier: of the model.
        about: what they are about.
        key: to sign with.
    """
    subject = subjects(dossier, about)
    yield _sealed(
        "provenance.dsse.json",
        _statement(subject, PROVENANCE, provenance(dossier)),
        key,
        "SLSA provenance of the model, signed: what its files were made from, when, by what, and with which parameters",
    )
    audit, (model,) = dossier.audit, dossier.audit.models
    yield _sealed(
        "audit.dsse.json",
        _statement(subject, TEST_RESULT, test_result(audit, model, about)),
        key,
        "What the audit came to, signed, as an in-toto test result: which controls passed, failed, or are open",
    )
    if any(result.verdict == "pass" for result in model.results):
        yield _sealed(
            "passed.dsse.json",
            _statement(subject, SUMMARY, summary(audit, model, about)),
            key,
            "What of the audit passed, signed, as an in-toto summary of verification",
        )


def subjects(dossier: Dossier, about: About) -> list[dict[str, Any]]:
    """The model's files; where the pack has none, the model by its digest."""
    if about.files:
        return [{"name": name, "digest": {"sha256": hashed}} for name, hashed in sorted(about.files.items())]
    # It is no hash of any file's bytes.
    return [{"name": dossier.subject, "digest": {"linealModelDigest": dossier.facts.model.digest}}]


def provenance(dossier: Dossier) -> dict[str, Any]:
    """SLSA's predicate: how the model came to be."""
    made, flow, fit = dossier.materials, dossier.flow, dossier.facts.fit
    environment = dossier.facts.environment
    external: dict[str, Any] = {"subject": dossier.subject}
    if made is not None:
        external |= {"pipeline": made.pipeline, "pipelineFile": made.file, "overrides": list(made.overrides)}
        if made.data is not None:
            external["data"] = redact(made.data)
    external["parameters"] = {key: redact(asked.value) for key, asked in sorted(dossier.facts.asked.items())}
    metadata: dict[str, Any] = {}
    run = flow or fit
    if run is not None:
        metadata["invocationId"] = f"{_ID}:run:{run.id}"
        if run.started_at:
            metadata["startedOn"] = run.started_at
        if run.ended_at:
            metadata["finishedOn"] = run.ended_at
    return {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": external,
            "internalParameters": {key: value for key, value in environment.items() if key in _INTERNAL},
            "resolvedDependencies": _dependencies(dossier),
        },
        "runDetails": {
            "builder": {"id": f"{_ID}:train", "version": _versions(environment)},
            "metadata": metadata,
        },
    }


_INTERNAL = ("python", "implementation", "platform", "cpu", "cores", "libraries", "packagesSha256")


def test_result(audit: Audit, model: ModelAudit, about: About) -> dict[str, Any]:
    """in-toto's predicate for tests: each control by its policy and id."""
    failed = [result for result in model.results if fails(result, audit.strict)]
    passed = [result for result in model.results if result.verdict == "pass"]
    warned = [each for each in model.results if each not in failed and each.verdict in ("fail", "review", "open")]
    return {
        "result": "FAILED" if failed else "WARNED" if warned else "PASSED",
        "configuration": _policies(model, about),
        "passedTests": _names(passed),
        "warnedTests": _names(warned),
        "failedTests": _names(failed),
    }


def summary(audit: Audit, model: ModelAudit, about: About) -> dict[str, Any]:
    """in-toto's predicate for what was verified and holds."""
    return {
        "verifier": {
            "id": f"{_ID}:audit",
            "version": {"lineal": version("lineal")},
            "policies": _policies(model, about),
        },
        "timeCreated": audit.asked_at,
        "properties": _names([result for result in model.results if result.verdict == "pass"]),
    }


def policy_path(name: str) -> str:
    """Where a policy is in a pack."""
    return f"audit/policies/{name}.toml"


def _names(results: Sequence[Result]) -> list[str]:
    return sorted(f"{result.policy}.{result.control}" for result in results)


def _policies(model: ModelAudit, about: About) -> list[dict[str, Any]]:
    found = []
    for policy in model.policies:
        path = policy_path(policy.id)
        name = f"{policy.title} ({policy.text_version})"
        digest = {"digest": {"sha256": about.policies[path]}} if path in about.policies else {}
        found.append({"name": name, "uri": path, **digest})
    return found


def _dependencies(dossier: Dossier) -> list[dict[str, Any]]:
    """What went into the model: data versions, code, and what is kept of its surroundings."""
    held_out = {table.key for table in dossier.facts.held_out}
    found = [_table(table, "evaluation" if table.key in held_out else "training") for table in dossier.tables]
    code = _code(dossier)
    if code is not None:
        found.append(code)
    made = dossier.materials
    if made is not None:
        text = hashlib.sha256(made.text.encode()).hexdigest()
        found.append({"name": made.file, "digest": {"sha256": text}, "annotations": {"kind": "pipeline file"}})
        found += [
            {"name": file.name, "digest": {"sha256": file.sha256}, "annotations": {"kind": "materials"}}
            for file in made.files.values()
            if file.name != "leaves.csv"  # that came of the work, and did not go into it
        ]
    return found


def _table(table: Table, use: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": label(table) if table.kind == "FILE" else table.subject}
    if uri := address(table):
        made["uri"] = uri
    if digest := digests(table):
        made["digest"] = digest
    kept = {"kind": table.kind, "use": use, "version": table.version or None, "rows": table.rows}
    return made | {"annotations": {key: value for key, value in kept.items() if value is not None}}


def _code(dossier: Dossier) -> dict[str, Any] | None:
    environment = dossier.facts.environment
    commit = environment.get("gitCommit")
    if not commit:
        return None
    place: Mapping[str, Any] = next(
        (
            found
            for run in (dossier.flow, dossier.facts.fit)
            if run is not None and (found := run.job_facets.get("sourceCodeLocation"))
        ),
        {},
    )
    # The specification's own key is repoUrl; url names the file within.
    repository = redact(str(place.get("repoUrl") or ""))
    made: dict[str, Any] = {"name": "code", "digest": {"gitCommit": str(commit)}}
    if repository:
        made["uri"] = f"git+{repository}@{commit}"
    dirty = environment.get("gitDirty")
    return made | ({"annotations": {"changesNotCommitted": bool(dirty)}} if dirty is not None else {})


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    packages = environment.get("packages") or {}
    names = ("lineal", "prefect", "mlflow", "dvc", "scikit-learn", "openlineage-python")
    found = {name: str(packages[name]) for name in names if name in packages}
    return found | ({"python": str(environment["python"])} if "python" in environment else {})


def _statement(subject: list[dict[str, Any]], kind: str, predicate: Mapping[str, Any]) -> bytes:
    from google.protobuf.json_format import MessageToDict
    from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
    from in_toto_attestation.v1.statement import Statement

    named = [ResourceDescriptor(name=each["name"], digest=each["digest"]).pb for each in subject]
    made = Statement(named, kind, dict(predicate))
    made.validate()
    # The library sees to the form; its numbers are all floating, so the predicate goes in as it is.
    whole = MessageToDict(made.pb) | {"predicate": predicate}
    order = ("_type", "subject", "predicateType", "predicate")
    return json.dumps({key: whole[key] for key in order}, ensure_ascii=False).encode()


def _sealed(name: str, statement: bytes, key: SigningKey, says: str) -> Document:
    return Document(f"{FOLDER}/{name}", seal(statement, IN_TOTO, key), MEDIA_TYPE, says)
