"""What a decision is about, and the evidence that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lineal.errors import SubjectError
from lineal.questions.lookup import ModelRow
from lineal.questions.trace import Node, Trace
from lineal.questions.trace import trace as trace_subject
from lineal.store import graph
from lineal.store.decisions import canonical, digest_of
from lineal.store.facts import root_of
from lineal.store.log import Store
from lineal.store.recalls import Recall
from lineal.subjects import Kind, Subject

# What can be decided on.
KINDS: tuple[Kind, ...] = ("model", "dataset", "file", "run")
# What can be noted something on: a prediction is the model's, which is what is decided on.
NOTED: tuple[Kind, ...] = (*KINDS, "prediction")
# More dataset versions than these are known by their hash alone.
_MOST_NAMED = 100


@dataclass(frozen=True, slots=True)
class Pending:
    """An alias that waits for an approval.

    Attributes:
        alias: that the version is to hold.
        previous: who held it when the version was judged.
        compared: whether the version had to beat that holder.
        reason: why it is to have it.
        asked_at: when the approval was asked for.
    """

    alias: str
    previous: int | None
    compared: bool
    reason: str
    asked_at: str


@dataclass(frozen=True, slots=True)
class About:
    """What a decision is about, as it stands now.

    Attributes:
        subject: as it was asked, the version filled in.
        namespace: of that in lineage.
        name: of that in lineage; of a registered model as MLflow has it.
        version: key of the version that it is, or stands in; None for a run.
        content: the model's digest or the version's content hash; of a run its id.
        looked_at: what a decision on it rests on; empty where nothing tells it from the next of its name.
        evidence: SHA-256 of that.
        author: who started what made it, where on record.
        model: the registered version, for a model.
        pending: the alias that waits for another person's approval, if one does.
        recalls: that stand against it.
    """

    subject: str
    namespace: str
    name: str
    version: str | None
    content: str
    looked_at: Mapping[str, Any]
    evidence: str
    author: str | None
    model: ModelRow | None = None
    pending: Pending | None = None
    recalls: tuple[Recall, ...] = ()


def about(store: Store, subject: Subject) -> About:
    """Find what a decision on a subject is about, and what it rests on.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    if subject.kind == "prediction":
        return _about_prediction(store, subject)
    return about_traced(store, trace_subject(store, subject))


def _about_prediction(store: Store, subject: Subject) -> About:
    """What a note on a prediction is about: a row of a table of predictions, by its id; no value of it."""
    from lineal.questions.prediction import scored

    place = scored(store, subject)
    namespace, name, facet = place.table["namespace"], place.table["name"], place.facet
    looked_at = {
        "prediction": place.id,
        "dataset": {"name": f"{namespace}/{name}", "version": place.version},
        "model": {"name": facet.get("model"), "version": facet.get("version"), "digest": facet.get("digest")},
    }
    return About(
        subject=place.subject,
        namespace=namespace,
        name=name,
        version=graph.version_key(namespace, name, place.version),
        content=place.version,
        looked_at=looked_at,
        evidence=digest_of(looked_at),
        author=None,
    )


def about_traced(store: Store, found: Trace) -> About:
    """What a decision on something that was traced is about."""
    author = (found.flow.facets.get("lineal_environment") or {}).get("user") if found.flow else None
    author = str(author) if author else None
    node, model = found.node, found.model
    if model is not None:
        looked_at = {
            "model": {"name": model.name, "version": model.number, "digest": model.digest},
            "data": _data(node),
            **_results(found),
        }
        return About(
            subject=found.subject,
            namespace=model.namespace,
            name=model.name,
            version=model.version,
            content=model.digest,
            looked_at=looked_at,
            evidence=digest_of(looked_at),
            author=author,
            model=model,
            pending=_pending(found, model),
            recalls=found.recalls,
        )
    if found.subject.startswith("run:"):
        run_id = found.subject.removeprefix("run:")
        run = next(run for run in found.runs if run.run_id == run_id)
        looked_at = {
            "run": {"id": run_id, "job": f"{run.namespace}/{run.job}", "state": run.state},
            "inputs": _listed(_named(run.inputs)),
            "outputs": _listed(_named(run.outputs)),
            **_results(found),
        }
        return About(
            found.subject, run.namespace, run.job, None, run_id, looked_at, digest_of(looked_at), author, recalls=()
        )
    if node is None:
        raise SubjectError(f"{found.subject}: nothing is on record of it; see `lineal list`", subject=found.subject)
    looked_at = {"dataset": {"name": f"{node.namespace}/{node.name}", "version": node.version}} if node.version else {}
    return About(
        subject=found.subject,
        namespace=node.namespace,
        name=node.name,
        version=graph.version_key(node.namespace, node.name, node.version),
        content=node.version,
        looked_at=looked_at,
        evidence=digest_of(looked_at) if looked_at else "",
        author=author,
        recalls=found.recalls,
    )


def _pending(found: Trace, model: ModelRow) -> Pending | None:
    """The approval that was asked for when a version was registered."""
    for run in found.runs:
        if run.run_id == model.run_id:
            said = asked(run.facets, model.number)
            if said is not None:
                return Pending(
                    str(said.get("alias")), said.get("previous"), bool(said.get("compared")), str(said.get("reason")),
                    run.ended_at or model.registered_at,
                )  # fmt: skip
    return None


def asked(facets: Mapping[str, Any], number: int) -> Mapping[str, Any] | None:
    """The approval that was asked for a version when it was registered, by the facets of the run that did."""
    for said in (facets.get("lineal_decision") or {}).get("decisions") or ():
        if said.get("action") == "ask-approval" and said.get("number") == number:
            found: Mapping[str, Any] = said
            return found
    return None


def _data(node: Node | None) -> Any:
    """The dataset versions below a model."""
    names: set[str] = set()
    met: set[int] = set()
    waiting = list(node.inputs) if node else []
    while waiting:
        each = waiting.pop()
        if id(each) in met:
            continue
        met.add(id(each))
        waiting += each.inputs
        if each.kind != "MODEL":
            names.add(f"{each.namespace}/{each.name}@{each.version}")
    return _listed(names)


def _listed(names: Iterable[str]) -> Any:
    named = sorted(names)
    if len(named) <= _MOST_NAMED:
        return named
    return {"count": len(named), "sha256": digest_of({"names": named})}


def _named(datasets: Iterable[Mapping[str, Any]]) -> set[str]:
    return {
        f"{each['namespace']}/{each['name']}@"
        f"{((each.get('facets') or {}).get('version') or {}).get('datasetVersion', '')}"
        for each in datasets
    }


def _results(found: Trace) -> dict[str, Any]:
    """The digests of the metrics and gates of the flow that made something, and how many there are."""
    root = found.flow.run_id if found.flow else None
    metrics: list[Any] = []
    gates: list[Any] = []
    for run in found.runs:
        if root is None or root_of({"runId": run.run_id, "facets": run.facets}) == root:
            metrics += (run.facets.get("lineal_metrics") or {}).get("metrics") or ()
            gates += (run.facets.get("test") or {}).get("tests") or ()
    named = (("metrics", metrics), ("gates", gates))
    return {
        what: {"count": len(listed), "sha256": digest_of({what: sorted(listed, key=canonical)})}
        for what, listed in named
    }
