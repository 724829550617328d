"""An audit as OSCAL assessment results (NIST, version 1.1.2): a result a model and policy.

OSCAL knows satisfied and not satisfied alone. What a person must judge, what is not on record, and what does not apply
is an observation without a finding, so that nobody reads it as either.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any
from uuid import UUID, uuid5

from lineal.questions.audit import SAID, Applied, Audit, ModelAudit, Result

_OSCAL = "1.1.2"
# Ids of the same audit are the same, whoever writes it down.
_SPACE = UUID("6f1c2e0e-53e5-5a3b-9a3f-0d6f4f1d7c11")
_NS = "urn:lineal:oscal"
_STATES = {"pass": "satisfied", "fail": "not-satisfied"}


def assessment_results(answer: Audit) -> dict[str, Any]:
    """Give an audit as OSCAL assessment results."""
    policies = {policy.id: policy for model in answer.models for policy in model.policies}
    results = [_result(answer, model, policy) for model in answer.models for policy in model.policies]
    return {
        "assessment-results": {
            "uuid": _id(answer.asked_at, *(model.subject for model in answer.models)),
            "metadata": {
                "title": "What the record supports, contradicts and does not show",
                "last-modified": answer.asked_at,
                "version": answer.asked_at,
                "oscal-version": _OSCAL,
                "props": [_prop("tool", f"lineal {version('lineal')}"), _prop("strict", str(answer.strict).lower())],
            },
            "import-ap": {"href": f"#{_id('plan', *policies)}"},
            "results": results,
            "back-matter": {
                "resources": [
                    {
                        "uuid": _id("plan", *policies),
                        "title": "The policies",
                        "description": "; ".join(f"{each.title} ({each.text_version})" for each in policies.values()),
                    }
                ]
            },
        }
    }


def _result(answer: Audit, model: ModelAudit, policy: Applied) -> dict[str, Any]:
    told = [each for each in model.results if each.policy == policy.id]
    observations = [_observation(answer, model, each) for each in told]
    findings = [_finding(answer, model, each) for each in told if each.verdict in _STATES]
    props = [
        _prop("model", model.subject),
        _prop("digest", model.digest),
        _prop("text-version", policy.text_version),
        _prop("declared-scope", policy.declared),
    ]
    if policy.applies_from:
        props.append(_prop("applies-from", policy.applies_from))
    made: dict[str, Any] = {
        "uuid": _id(answer.asked_at, model.subject, policy.id),
        "title": f"{policy.title}: {model.subject}",
        "description": f"{policy.scope}. {policy.note or ''}".strip().replace("\n", " "),
        "start": answer.asked_at,
        "end": answer.asked_at,
        "props": props,
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": _control(each)} for each in told]}]
        },
        "observations": observations,
    }
    # An empty list is none to OSCAL.
    return made | ({"findings": findings} if findings else {})


def _observation(answer: Audit, model: ModelAudit, result: Result) -> dict[str, Any]:
    evidence = [{"description": f"{result.command} shows it"}]
    evidence += [{"description": f"run:{run}"} for run in result.runs]
    evidence += [{"description": dataset} for dataset in result.datasets]
    evidence += [{"description": f"{name} = {value}"} for name, value in result.numbers.items()]
    props = [_prop("verdict", result.verdict.replace("/", "")), _prop("control", _control(result))]
    if result.waived:
        props.append(_prop("waived", result.waived))
    remarks = f"What stays with a person: {result.person}" if result.person else None
    return {
        "uuid": _id(answer.asked_at, model.subject, result.policy, result.control, "observation"),
        "title": result.title,
        "description": f"{SAID[result.verdict]}: {result.sentence}",
        "props": props,
        "methods": ["TEST"] if result.verdict in _STATES else ["EXAMINE"],
        "relevant-evidence": evidence,
        "collected": answer.asked_at,
        **({"remarks": remarks} if remarks else {}),
    }


def _finding(answer: Audit, model: ModelAudit, result: Result) -> dict[str, Any]:
    observed = _id(answer.asked_at, model.subject, result.policy, result.control, "observation")
    return {
        "uuid": _id(answer.asked_at, model.subject, result.policy, result.control, "finding"),
        "title": result.title,
        "description": f"{SAID[result.verdict]}: {result.sentence}",
        "target": {
            "type": "objective-id",
            "target-id": _control(result),
            "title": result.statement,
            "status": {"state": _STATES[result.verdict]},
        },
        "related-observations": [{"observation-uuid": observed}],
    }


def _control(result: Result) -> str:
    return f"{result.policy}.{result.control}"


def _prop(name: str, value: str) -> dict[str, str]:
    # A value is one line, and not empty.
    return {"name": name, "ns": _NS, "value": " ".join(value.split()) or "-"}


def _id(*parts: str) -> str:
    return str(uuid5(_SPACE, "\0".join(parts)))
