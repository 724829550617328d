"""An audit as SARIF 2.1.0, for code hosts and CI: a rule a control, a result a control and model."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from lineal import settings
from lineal.questions.audit import SAID, Audit, ModelAudit, Result, Verdict

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS: dict[Verdict, str] = {
    "pass": "pass",
    "fail": "fail",
    "review": "review",
    "open": "open",
    "n/a": "notApplicable",
}
_LEVELS = {"error": "error", "warn": "warning"}


def sarif(answer: Audit) -> dict[str, Any]:
    """Give an audit as a SARIF log."""
    places: dict[str, int] = {}
    rules: list[dict[str, Any]] = []
    for model in answer.models:
        for result in model.results:
            if _rule_id(result) not in places:
                places[_rule_id(result)] = len(rules)
                rules.append(_rule(result))
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "Lineal", "version": version("lineal"), "rules": rules}},
                "invocations": [{"executionSuccessful": True, "endTimeUtc": _utc(answer.asked_at)}],
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(model, result, places[_rule_id(result)], answer.strict)
                    for model in answer.models
                    for result in model.results
                ],
                "properties": {"strict": answer.strict},
            }
        ],
    }


def _rule_id(result: Result) -> str:
    return f"{result.policy}.{result.control}"


def _rule(result: Result) -> dict[str, Any]:
    person = f" What stays with a person: {result.person}" if result.person else ""
    return {
        "id": _rule_id(result),
        "name": result.title,
        "shortDescription": {"text": result.title},
        "fullDescription": {"text": result.statement},
        "help": {"text": f"{result.statement}{person}"},
        "defaultConfiguration": {"level": _LEVELS[result.severity]},
        "properties": {
            "check": result.check,
            "tags": [f"{each.framework} {each.clause}" for each in result.maps],
            "maps": [
                {"framework": each.framework, "version": each.version, "clause": each.clause} for each in result.maps
            ],
        },
    }


def _result(model: ModelAudit, result: Result, place: int, strict: bool) -> dict[str, Any]:
    # Of any kind but fail the specification allows no level but none.
    fails = result.verdict == "fail" or (strict and result.verdict == "open")
    said = f"{model.subject}: {SAID[result.verdict]}: {result.sentence}"
    made: dict[str, Any] = {
        "ruleId": _rule_id(result),
        "ruleIndex": place,
        "kind": "fail" if fails else _KINDS[result.verdict],
        "level": _LEVELS[result.severity] if fails else "none",
        "message": {"text": f"{said} ({result.command})"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(result.file)},
                    "region": {"startLine": result.line},
                },
                "logicalLocations": [{"fullyQualifiedName": model.subject, "kind": "object"}],
            }
        ],
        "partialFingerprints": {"control/v1": f"{_rule_id(result)} {model.name}"},
        "properties": {
            "verdict": result.verdict,
            "digest": model.digest,
            "runs": list(result.runs),
            "datasets": list(result.datasets),
            "numbers": dict(result.numbers),
            "command": result.command,
            "person": result.person,
        },
    }
    if result.waived is not None:
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": result.waived}]
    return made


def _uri(file: str) -> str:
    """The policy's file from the project's folder; one that Lineal ships by its place in the package."""
    path = Path(file)
    project = settings.project_of(Path.cwd())
    if path.absolute().is_relative_to(project):
        return path.absolute().relative_to(project).as_posix()
    return f"lineal/policies/{path.name}" if path.parent.name == "policies" else path.absolute().as_uri()


def _utc(time: str) -> str:
    return time.replace("+00:00", "Z")
