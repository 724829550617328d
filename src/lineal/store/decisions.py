"""Decisions and notes of people, as the log has them.

Each is the one decision of a run of the job `decide` or `note` that read what it is about; so those on a version are
found by the edges of the index, and all of them by their jobs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from lineal.store import graph, tables
from lineal.store.log import Store

ACTIONS = ("approve", "reject", "waive", "withdraw", "note")
_BATCH = 500
NoteKind = Literal["incident", "data-gap", "review"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision or note of a person.

    Attributes:
        action: approve, reject, waive, withdraw or note.
        subject: what it is about, the version filled in.
        namespace: of that in lineage.
        name: of that in lineage; of a registered model as MLflow has it.
        reason: why; of a note its text.
        by: who.
        email: of the person, where known.
        at: when, as the person said.
        run_id: the run that recorded it.
        number: of a registered model.
        content: the model's digest, or the version's content hash.
        control: what is waived, or whose waiver is withdrawn.
        until: the last day on which it counts, as an ISO date in UTC.
        kind: of a note, what it tells of: incident, data-gap or review.
        closes: of a note, the run that recorded the incident which it closes.
        evidence: SHA-256 of `looked_at`; empty where nothing was on record to look at.
        looked_at: what it rests on.
        key: id of the key that it is signed with, if it is.
        signature: in base64.
        signed: what the signature is over.
    """

    action: str
    subject: str
    namespace: str
    name: str
    reason: str
    by: str
    at: str
    run_id: str
    email: str | None = None
    number: int | None = None
    content: str = ""
    control: str | None = None
    until: str | None = None
    kind: str | None = None
    closes: str | None = None
    evidence: str = ""
    looked_at: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    signature: str | None = None
    signed: bytes = field(default=b"", repr=False)


def canonical(value: Any) -> bytes:
    """The one form of JSON data that is hashed and signed: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(looked_at: Mapping[str, Any]) -> str:
    """The digest of what a decision rests on."""
    return hashlib.sha256(canonical(looked_at)).hexdigest()


def message_of(decision: Mapping[str, Any], run_id: str) -> bytes:
    """What a person signs: the decision as it stands in the facet, bound to the run that records it."""
    said = {key: value for key, value in decision.items() if key != "signature"}
    # Under a heading of its own: no signature on anything else can be taken for one on a decision.
    return b"lineal decision 1\n" + canonical({**said, "run": run_id})


def read(
    store: Store, *, version: str | None = None, subject: str | None = None, limit: int | None = None
) -> list[Decision]:
    """The decisions and notes of people, newest first.

    Args:
        store: the lineage store.
        version: only those on the version of this key.
        subject: only those on this subject; two versions of a model may be one and the same content.
        limit: at most so many runs of them.
    """
    names = tables.jobs.c.name
    called = [names == job for job in ("decide", "note")] + [names.like(f"%.{job}") for job in ("decide", "note")]
    jobs = [row.key for row in store.read(sa.select(tables.jobs.c.key).where(sa.or_(*called)))]
    if not jobs:
        return []
    runs, edges = tables.runs.c, tables.edges.c
    query = (
        sa.select(runs.last_seq)
        .where(runs.job.in_(jobs), runs.state == "COMPLETE")
        .order_by(runs.first_seq.desc())
        .limit(limit)
    )
    if version is not None:
        query = query.join(tables.edges, edges.run_id == runs.run_id).where(edges.version == version, edges.role == "i")
    places = [row.last_seq for row in store.read(query)]
    bodies = graph.bodies(store, places)
    found = [decision for place in places if place in bodies for decision in _decisions(json.loads(bodies[place]))]
    return [decision for decision in found if subject is None or decision.subject == subject]


def noted_versions(store: Store, keys: Collection[str]) -> list[str]:
    """Those of some versions, by their keys, that somebody noted something on, or on a row of."""
    jobs, runs, edges = tables.jobs.c, tables.runs.c, tables.edges.c
    named = sa.select(jobs.key).where(sa.or_(jobs.name == "note", jobs.name.like("%.note")))
    found = list[str]()
    listed = sorted(keys)
    for start in range(0, len(listed), _BATCH):
        query = (
            sa.select(sa.distinct(edges.version))
            .select_from(tables.edges.join(tables.runs, runs.run_id == edges.run_id))
            .where(edges.version.in_(listed[start : start + _BATCH]), edges.role == "i", runs.job.in_(named))
        )
        found += [str(row[0]) for row in store.read(query)]
    return sorted(found)


def _decisions(event: Mapping[str, Any]) -> list[Decision]:
    run = event.get("run") or {}
    facet = (run.get("facets") or {}).get("lineal_decision") or {}
    return [
        decision_of(said, str(run["runId"]), str(event["eventTime"]))
        for said in facet.get("decisions") or ()
        # An event may be of another producer's, who may say anything there.
        if isinstance(said, Mapping) and said.get("action") in ACTIONS and isinstance(said.get("evidence"), Mapping)
    ]


def decision_of(said: Mapping[str, Any], run_id: str, at: str) -> Decision:
    """Read a decision from the facet that tells it.

    Args:
        said: one of the facet's decisions.
        run_id: the run that recorded it.
        at: when, where the decision does not say so itself.
    """

    def text(key: str) -> str | None:
        return None if said.get(key) is None else str(said[key])

    evidence, signature = said.get("evidence"), said.get("signature")
    evidence = evidence if isinstance(evidence, Mapping) else {}
    looked_at = evidence.get("of")
    signature = signature if isinstance(signature, Mapping) else {}
    number = said.get("number")
    return Decision(
        action=str(said["action"]),
        subject=text("subject") or "",
        namespace=text("namespace") or "",
        name=text("name") or "",
        reason=text("reason") or "",
        by=text("by") or "",
        email=text("email"),
        at=text("at") or at,
        run_id=run_id,
        number=number if isinstance(number, int) else None,
        content=text("digest") or text("version") or "",
        control=text("control"),
        until=text("until"),
        kind=text("kind"),
        closes=text("closes"),
        evidence=str(evidence.get("sha256") or ""),
        looked_at=looked_at if isinstance(looked_at, Mapping) else {},
        key=str(signature["key"]) if signature.get("key") else None,
        signature=str(signature.get("value") or "") if signature else None,
        signed=message_of(said, run_id),
    )
