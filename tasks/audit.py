"""Audit a model, and show what came of it in Prefect and MLflow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from lineal import Model, current_run, traced
from lineal.errors import LinealError
from lineal.models import tracking
from lineal.orchestration.events import emit, table_artifact
from lineal.orchestration.log import run_logger
from lineal.questions import audit as question
from lineal.questions.audit import Audit, ModelAudit, Result
from lineal.questions.lookup import find_model
from lineal.reports import terminal
from lineal.reports.sarif import sarif
from lineal.store.log import Store
from lineal.subjects import Subject
from lineal.tracing.statements import Outcome

_PASSED = {"pass": True, "fail": False}
# An event's details are to be few: the artifact has the whole.
_MOST = 50


def models_in_use(policies: Sequence[str]) -> list[Model]:
    """The models that hold an alias; what is wrong with a policy is told before any is audited."""
    question.chosen(policies)
    found = [
        Model(f"models/{row.name}", row.digest, f"models:/{row.name}/{row.number}", row.namespace, number=row.number)
        for row in question.serving(Store())
    ]
    if not found:
        run_logger().warning("no model holds an alias, so there is nothing to audit")
    return found


@task(task_run_name="audit {model.name}", cache_policy=NO_CACHE)
@traced
def audit_model(model: Model, policies: Sequence[str], strict: bool) -> ModelAudit:
    """Hold one model to policies, and record the verdict on each control."""
    store = Store()
    row = find_model(
        store, Subject("model", f"{model.namespace}/{model.name.removeprefix('models/')}", str(model.number))
    )
    found = question.audit_model(store, row, question.chosen(policies), now=datetime.now(UTC))
    current_run().tests(_outcome(result, strict) for result in found.results)
    return found


def _outcome(result: Result, strict: bool) -> Outcome:
    fails = question.fails(result, strict)
    clauses = ", ".join(f"{each.framework} {each.clause}" for each in result.maps)
    said = f"{question.SAID[result.verdict]} ({clauses})" if clauses else question.SAID[result.verdict]
    return Outcome(
        name=f"{result.policy}.{result.control}",
        # Open and review decide nothing, and a waiver takes what it is about out of the decision.
        passed=False if fails else None if result.waived else _PASSED.get(result.verdict),
        kind="control",
        expected=result.statement,
        actual=f"{result.verdict}: {result.sentence}" + (f"; {result.waived}" if result.waived else ""),
        description=said,
        severity="warn" if result.severity == "warn" else "error",
    )


def publish(model: Model, found: ModelAudit, strict: bool) -> None:
    """Show an audit beside the run in Prefect's UI and with the model in MLflow, and tell automations of a failure."""
    answer = Audit(datetime.now(UTC).isoformat(timespec="seconds"), strict, (found,))
    failed = answer.failed
    counts = Counter(result.verdict for result in found.results)
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in question.VERDICTS if counts[verdict])
    level = run_logger().warning if failed else run_logger().info
    level("%s: %s%s", found.subject, said, f"; {_names(failed)} make it fail" if failed else "")
    # An artifact's key takes nothing else.
    key = re.sub(r"[^a-z0-9-]+", "-", found.name.lower())
    table_artifact(f"{key}-audit", [_row(result) for result in found.results], f"{found.subject}: {said}")
    try:
        _tell_mlflow(found, answer, said)
    except LinealError as problem:  # the record is the lineage; MLflow shows it
        run_logger().warning("MLflow was not told of the audit of %s: %s", found.subject, problem)
    if failed:
        resource = {
            "prefect.resource.id": f"lineal.model.{found.name}.{found.number}",
            "prefect.resource.name": found.name,
            "lineal.model.version": str(found.number),
        }
        controls = [
            {"control": f"{each.policy}.{each.control}", "verdict": each.verdict, "sentence": each.sentence}
            for each in failed[:_MOST]
        ]
        emit("lineal.audit.failed", resource, payload={"failed": len(failed), "counts": counts, "controls": controls})


def _tell_mlflow(found: ModelAudit, answer: Audit, said: str) -> None:
    version = tracking.version(found.name, found.number)
    if version is None:
        run_logger().warning("MLflow has no %s, so it is not told of its audit", found.subject)
        return
    tags = {"lineal.audit": "failed" if answer.failed else "nothing failed", "lineal.audit.verdicts": said}
    tags["lineal.audit.at"] = answer.asked_at
    tracking.set_version_tags(found.name, found.number, tags)
    if version.run_id is not None:
        tracking.mark(version.run_id, tags)
        files = {"audit/audit.json": terminal.to_json(answer), "audit/audit.sarif": terminal.to_json(sarif(answer))}
        tracking.leave(version.run_id, files)


def _row(result: Result) -> dict[str, str]:
    return {
        "policy": result.policy,
        "control": result.control,
        "verdict": result.verdict,
        "found": result.sentence + (f"; {result.waived}" if result.waived else ""),
        "clauses": ", ".join(f"{each.framework} {each.clause}" for each in result.maps),
        "stays with a person": result.person or "",
        "shown by": result.command,
    }


def _names(results: Sequence[Result]) -> str:
    return ", ".join(f"{each.policy}.{each.control}" for each in results[:5])
