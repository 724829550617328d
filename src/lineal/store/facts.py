"""What one ended run says of an experiment, and the words by which it can be found: pure functions over an event.

Questions over all runs at once (`lineal discover`, `lineal search`) read these few columns rather than whole events.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lineal.redaction import is_secret, redact
from lineal.store.tables import key_of

Row = dict[str, Any]
_ENDED = ("COMPLETE", "FAIL", "ABORT")
# A longer value is known by its hash: it says that two runs differ, and `lineal diff` says in what.
_LONGEST_VALUE = 200
_MOST_DATASETS = 20
# A note may be a megabyte; its beginning finds it.
_LONGEST_TEXT = 20_000
_PLACES = 64  # how many texts one event may have
# json.dumps would make one for each event.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def root_of(run: Mapping[str, Any]) -> str:
    """The id of the run at the top of what belongs together, a flow with its steps, as the index knows it.

    That is the root that a run names, its parent, or itself; one that a scheduler outside began, or that another flow
    asked a deployment for, says by itself that it is at the top.
    """
    facets = run.get("facets") or {}
    parent = facets.get("parent")
    if not parent:
        return str(run["runId"])
    process = facets.get("lineal_process") or {}
    if process.get("outermostRunId"):
        return str(process["outermostRunId"])
    return str(
        ((parent.get("root") or {}).get("run") or {}).get("runId")
        or (parent.get("run") or {}).get("runId")
        or run["runId"]
    )


def fact_of(event: Mapping[str, Any], seq: int) -> Row | None:
    """The row of an ended run: its parameters, metrics, environment, data and failures; None where it has none."""
    if event.get("eventType") not in _ENDED:
        return None
    run, job = event["run"], event["job"]
    facets = run.get("facets") or {}
    inputs, outputs = (_named(event.get(role) or ()) for role in ("inputs", "outputs"))
    said = {
        "pipeline": _tag(facets, "pipeline"),
        "parameters": _parameters(facets),
        "metrics": _metrics(facets),
        "environment": _environment(facets.get("lineal_environment") or {}),
        "failed": _failed_checks(event, facets),
        "error": _error(facets),
        "outputs": outputs,
    }
    said = {key: value for key, value in said.items() if value}
    root_id = root_of(run)
    if not said and run["runId"] != root_id:
        return None
    said |= {"job": job["name"], "state": event["eventType"], "at": event["eventTime"], "inputs": inputs}
    return {"run_id": run["runId"], "root_id": root_id, "seq": seq, "body": _encoded(said)}


def texts_of(event: Mapping[str, Any], seq: int) -> list[Row]:
    """The rows of what can be searched: one of a run with something to say, one of each decision and description."""
    return [
        {
            # Rising as the log does: a full-text index takes them with the least work, and a rebuild gives the same.
            "id": seq * _PLACES + place,
            # What a job does is told with each of its runs, and is one thing.
            "key": key_of(kind, "" if kind == "job" else subject, text),
            "kind": kind,
            "subject": subject,
            "at": event["eventTime"],
            "text": text,
        }
        for place, (kind, subject, _, text) in enumerate(_searched(event))
    ]


def place_of(row_id: int) -> tuple[int, int]:
    """Where the row of a text comes from: an event's place in the log, and the text's among what that event tells."""
    return divmod(row_id, _PLACES)


@dataclass(frozen=True, slots=True)
class Told:
    """A text that can be searched, as what it is made up of.

    Attributes:
        kind: `run`, `job`, `decision`, `note` or `description`.
        subject: what to ask about.
        parts: what each is (`job`, `name`, `error`, `parameter`, `metric`, `reason`, …), and what it says.
        text: all of it, as it is searched.
    """

    kind: str
    subject: str
    parts: tuple[tuple[str, str], ...]
    text: str


def told_by(event: Mapping[str, Any]) -> list[Told]:
    """What an event tells that can be searched, in order: of its run, its decisions, and what is described."""
    return [Told(kind, subject, tuple(parts), text) for kind, subject, parts, text in _searched(event)]


def _searched(event: Mapping[str, Any]) -> list[tuple[str, str, list[tuple[str, str]], str]]:
    found = (
        (kind, subject, parts, clean(" · ".join([text for _, text in parts]))) for kind, subject, parts in _told(event)
    )
    return [told for told in found if told[3].strip()][:_PLACES]


def _told(event: Mapping[str, Any]) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    run, job = event.get("run"), event.get("job") or {}
    if run and event.get("eventType") not in _ENDED:
        return
    if run:
        subject = f"run:{run['runId']}"
        facets = run.get("facets") or {}
        said = _said(facets)
        # The names of a task's run lead nowhere that its flow's do not.
        if said or root_of(run) == run["runId"]:
            yield "run", subject, [*_names(job, facets), *said]
        facet = facets.get("lineal_decision") or {}
        for decision in facet.get("decisions") or ():
            action = str(decision.get("action") or "decision")
            parts = [("action", action), *((key, decision.get(key)) for key in ("name", "alias", "control"))]
            parts += [("by", facet.get("by")), ("reason", decision.get("reason")), ("text", decision.get("text"))]
            about = decision.get("subject") or _model(decision) or subject
            kind = "note" if action == "note" else "decision"
            yield kind, str(about), [(what, str(word)) for what, word in parts if word]
        described = ((job.get("facets") or {}).get("documentation") or {}).get("description")
        if described:
            yield "job", subject, [("job", str(job["name"])), ("description", str(described))]
    datasets = [*(event.get("outputs") or ()), *([event["dataset"]] if event.get("dataset") else ())]
    for dataset in datasets:
        described = ((dataset.get("facets") or {}).get("documentation") or {}).get("description")
        if described:
            name = str(dataset["name"])
            model = name.removeprefix("models/")
            subject = f"model:{model}" if model != name else f"dataset:{name}"
            yield "description", subject, [("name", name), ("description", str(described))]


def _model(decision: Mapping[str, Any]) -> str | None:
    name, number = decision.get("name"), decision.get("number")
    return f"model:{name}@{number}" if name and number else f"model:{name}" if name else None


def _names(job: Mapping[str, Any], facets: Mapping[str, Any]) -> list[tuple[str, str]]:
    prefect = facets.get("lineal_prefect")
    called = str(job.get("name", ""))
    if not prefect:
        return [("job", called)]
    names = [str(prefect[key]) for key in ("flowRunName", "runName") if prefect.get(key)]
    return [("job", called), *(("name", name) for name in dict.fromkeys(names) if name != called)]


def _said(facets: Mapping[str, Any]) -> list[tuple[str, str]]:
    error = _error(facets)
    parts = [("error", error)] if error else []
    parts += [("parameter", f"{name}={value}") for name, value in _parameters(facets).items()]
    return parts + [("metric", f"{name}={value:.6g}") for name, value, *_ in _metrics(facets)]


def clean(text: str) -> str:
    """As much of a text as is searched, without secrets."""
    return redact(text[:_LONGEST_TEXT])


def _tag(facets: Mapping[str, Any], key: str) -> str | None:
    if not facets.get("tags"):
        return None
    tags = facets["tags"].get("tags") or ()
    return next((str(tag.get("value")) for tag in tags if tag.get("key") == key), None)


def _parameters(facets: Mapping[str, Any]) -> dict[str, str]:
    listed = (facets.get("executionParameters") or {}).get("parameters") or ()
    found = {}
    for parameter in listed:
        name, value = str(parameter.get("name") or parameter.get("key")), str(parameter.get("value"))
        if not is_secret(name):
            found[name] = value if len(value) <= _LONGEST_VALUE else f"#{_hash(value)}"
    return found


def _metrics(facets: Mapping[str, Any]) -> list[list[Any]]:
    listed = (facets.get("lineal_metrics") or {}).get("metrics") or ()
    return [
        [str(metric.get("name")), float(metric["value"]), metric.get("of"), metric.get("spread")]
        for metric in listed
        if isinstance(metric.get("value"), (int, float))
    ]


def _environment(facet: Mapping[str, Any]) -> dict[str, str]:
    if not facet:
        return {}
    code = str(facet.get("gitCommit") or "")[:12]
    if facet.get("gitDirty"):
        # Two dirty trees of one commit are the same code only where their difference from it is.
        code += f"+{str(facet.get('gitDiffSha256') or 'changed')[:8]}"
    packages = f"{facet.get('python', '')} {str(facet.get('packagesSha256') or '')[:12]}"
    machine = f"{facet.get('platform', '')} {facet.get('cpu', '')}"
    return {"code": code, "packages": packages.strip(), "machine": machine.strip()}


def _named(datasets: Any) -> list[list[str]]:
    found = []
    for dataset in datasets:
        facets = dataset.get("facets") or {}
        version = (facets.get("version") or {}).get("datasetVersion") or ""
        kind = (facets.get("datasetType") or {}).get("datasetType") or ""
        found.append([str(dataset["name"]), str(version), str(kind)])
    if len(found) <= _MOST_DATASETS:
        return found
    # A folder of many files: that any of them changed is what matters here.
    return [[f"{found[0][0]} and {len(found) - 1} more", _hash(json.dumps(sorted(found))), found[0][2]]]


def _failed_checks(event: Mapping[str, Any], facets: Mapping[str, Any]) -> list[str]:
    failed = []
    for dataset in event.get("inputs") or ():
        held = ((dataset.get("inputFacets") or {}).get("dataQualityAssertions") or {}).get("assertions") or ()
        failed += [
            " ".join(filter(None, (check.get("assertion"), check.get("column"))))
            for check in held
            if not check.get("success", True) and check.get("severity") != "warn"
        ]
    return failed


def _error(facets: Mapping[str, Any]) -> str | None:
    message = (facets.get("errorMessage") or {}).get("message")
    return redact(str(message).strip().splitlines()[0][:500]) if message and str(message).strip() else None


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
