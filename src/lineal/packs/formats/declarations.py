"""CycloneDX's declarations: each policy as a standard, each control as a requirement, and how the record stands to it.

A control that passes is a claim, one that fails a counter-claim. What a person must judge, what is not on record and
what does not apply is neither, and has no score.
"""

from __future__ import annotations

from typing import Any

from lineal.packs.formats.said import Said, line, moment, text
from lineal.questions.audit import SAID, Applied, ModelAudit, Result
from lineal.questions.dossier import Dossier

_SCORES = {"pass": 1, "fail": 0}
_ASSESSOR = "assessor"


def declared(dossier: Dossier, model: str, stated: Said) -> dict[str, Any]:
    """Give `definitions` and `declarations` of an ML-BOM.

    Args:
        dossier: of the model.
        model: its `bom-ref`.
        stated: what its record says of it in words.
    """
    audits = [each for each in dossier.audit.models if each.subject == dossier.subject]
    results = [result for each in audits for result in each.results]
    if not results:
        return {}
    policies = [(each, policy) for each in audits for policy in each.policies]
    claimed = [result for result in results if result.verdict in _SCORES]
    assessor: dict[str, Any] = {"bom-ref": _ASSESSOR, "thirdParty": False}
    if stated.owner:
        assessor["organization"] = {"name": line(stated.owner)}
    declarations: dict[str, Any] = {
        "assessors": [assessor],
        "attestations": [_attestation(audit, policy) for audit, policy in policies],
    }
    if claimed:
        declarations["claims"] = [_claim(result, model) for result in claimed]
        at = moment(dossier.audit.asked_at)
        declarations["evidence"] = [_evidence(result, at) for result in claimed]
    return {
        "definitions": {"standards": [_standard(audit, policy) for audit, policy in policies]},
        "declarations": declarations,
    }


def _standard(audit: ModelAudit, policy: Applied) -> dict[str, Any]:
    since = (
        f"It applies from {policy.applies_from}" if policy.applies_from else "No date is given from which it applies"
    )
    about = [f"Scope: {policy.scope}", since, policy.note or ""]
    return {
        "bom-ref": f"policy:{policy.id}",
        "name": line(policy.title),
        "version": line(policy.text_version),
        "description": line("; ".join(each.strip().rstrip(".") for each in about if each)),
        "requirements": [_requirement(result) for result in _of(audit, policy)],
    }


def _requirement(result: Result) -> dict[str, Any]:
    made: dict[str, Any] = {
        "bom-ref": _ref("requirement", result),
        "identifier": result.control,
        "title": line(result.title),
        "text": text(result.statement),
    }
    if result.person:
        made["descriptions"] = [text(f"What stays with a person: {result.person}")]
    clauses = [
        {"name": f"lineal:clause:{text(each.framework)}", "value": text(f"{each.clause}, {each.version}")}
        for each in result.maps
    ]
    return made | ({"properties": clauses} if clauses else {})


def _attestation(audit: ModelAudit, policy: Applied) -> dict[str, Any]:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in policy.counts.items() if count)
    return {
        "summary": text(f"{policy.title}: {counts}. {policy.declared}"),
        "assessor": _ASSESSOR,
        "map": [_mapped(result) for result in _of(audit, policy)],
    }


def _mapped(result: Result) -> dict[str, Any]:
    rationale = f"{SAID[result.verdict]}: {result.sentence}"
    if result.waived:
        rationale = f"{rationale} ({result.waived})"
    conformance: dict[str, Any] = {"rationale": text(rationale)}
    if result.verdict in _SCORES:
        conformance = {"score": _SCORES[result.verdict]} | conformance
    made: dict[str, Any] = {"requirement": _ref("requirement", result)}
    if result.verdict == "pass":
        made["claims"] = [_ref("claim", result)]
    if result.verdict == "fail":
        made["counterClaims"] = [_ref("claim", result)]
    return made | {"conformance": conformance}


def _claim(result: Result, model: str) -> dict[str, Any]:
    says = "The record supports" if result.verdict == "pass" else "The record contradicts"
    beside = "evidence" if result.verdict == "pass" else "counterEvidence"
    return {
        "bom-ref": _ref("claim", result),
        "target": model,
        "predicate": text(f"{says}: {result.statement}"),
        "reasoning": text(result.sentence),
        beside: [_ref("evidence", result)],
    }


def _evidence(result: Result, at: str | None) -> dict[str, Any]:
    rests = [f"run:{run}" for run in result.runs]
    rests += [text(each) for each in result.datasets]
    rests += [text(f"{name} = {value}") for name, value in result.numbers.items()]
    made: dict[str, Any] = {
        "bom-ref": _ref("evidence", result),
        "propertyName": f"{result.policy}.{result.control}",
        "description": text(f"{result.command} shows it"),
    }
    if rests:
        made["data"] = [{"name": "rests on", "contents": {"attachment": {"content": "\n".join(rests)}}}]
    return made | ({"created": at} if at else {})


def _of(audit: ModelAudit, policy: Applied) -> list[Result]:
    return [result for result in audit.results if result.policy == policy.id]


def _ref(kind: str, result: Result) -> str:
    return f"{kind}:{result.policy}.{result.control}"
