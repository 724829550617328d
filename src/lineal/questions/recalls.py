"""Recalls: what rests on something that was found to be bad, and what a recall would change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from lineal.datasets.dataset import Column, Dataset
from lineal.errors import RecalledError, SubjectError
from lineal.models.model import Model
from lineal.questions import lookup
from lineal.questions.decisions import is_rejected, waits
from lineal.questions.descent import descend, is_content
from lineal.questions.impact import Impact, answer, begin, same_content
from lineal.questions.lookup import ModelRow
from lineal.questions.trace import bad_among, origins
from lineal.store import graph, producers, recalls, tables
from lineal.store.graph import VersionRow
from lineal.store.log import Store
from lineal.store.recalls import AliasMove, Recall
from lineal.store.runs import find_run
from lineal.subjects import Kind, Subject

# What can be bad.
KINDS: tuple[Kind, ...] = ("file", "dataset", "model")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recall, or undoing one, would change.

    Attributes:
        subject: as it was asked, the version filled in.
        version: that it is about.
        undo: whether it is to be trusted again.
        standing: the recall of it that stands, if any.
        impact: all that came of it.
        moves: of aliases.
    """

    subject: str
    version: VersionRow
    undo: bool
    standing: Recall | None
    impact: Impact
    moves: tuple[AliasMove, ...]


def plan(store: Store, subject: Subject) -> Plan:
    """Find what recalling a subject would change.

    Each alias that something below it holds goes back to the newest version that rests on nothing bad and does not wait
    for an approval, or is taken away where there is none.

    Raises:
        SubjectError: unknown, ambiguous, or of no version.
    """
    asked, version = _about(store, subject)
    found = descend(store, same_content(store, version))
    whole = answer(store, asked, found)
    bad = {(model.namespace, model.name, model.number) for model in whole.models}
    others = _others(store, version)
    moves = []
    for model in whole.models:
        for alias in model.holds:
            if model.number is not None:
                better = _newest_sound(store, model.namespace, model.name, bad, others)
                number, digest = (better.number, better.digest) if better else (None, model.digest)
                moves.append(AliasMove(model.namespace, model.name, alias, model.number, number, digest))
    return Plan(asked, version, False, _standing(store, version), whole, tuple(moves))


def plan_undo(store: Store, subject: Subject) -> Plan:
    """Find what trusting a subject again would change.

    Aliases that its recall moved go back, unless somebody has moved them since, or another recall stands against the
    version that held them.

    Raises:
        SubjectError: unknown, ambiguous, or not recalled.
    """
    asked, version = _about(store, subject)
    standing = _standing(store, version)
    if standing is None:
        raise SubjectError(f"{asked}: it is not recalled, so there is nothing to undo", subject=asked)
    # The recall that is undone may have named the same content otherwise.
    version = graph.versions(store, [standing.version]).get(standing.version, version)
    others = _others(store, version)
    recalled_by = recalls.recorded_by(store, standing.version)
    moves = []
    for move in lookup.holding(store):
        if move.run_id in recalled_by and move.previous is not None:
            columns = tables.models.c
            query = (columns.number == move.previous) & (columns.namespace == move.namespace)
            for model in lookup.models(store, move.name, query):
                if not _rests_on(store, model, others):
                    # Where it was taken away, nobody holds it.
                    holder = move.number if move.number is not None else 0
                    moves.append(AliasMove(move.namespace, move.name, move.alias, holder, model.number, model.digest))
    whole = answer(store, asked, descend(store, same_content(store, version)))
    return Plan(asked, version, True, standing, whole, tuple(moves))


def handle_of(store: Store, row: VersionRow) -> Dataset | Model:
    """A handle on a version, as the newest run that read or wrote it has it on record."""
    if row.kind == "MODEL":
        return Model(row.name, row.version, f"models:/{row.name.removeprefix('models/')}", row.namespace)
    runs, edges = tables.runs.c, tables.edges.c
    query = (
        sa.select(runs.last_seq)
        .join(tables.edges, edges.run_id == runs.run_id)
        .where(edges.version == row.key)
        .order_by(runs.last_seq.desc())
        .limit(1)
    )
    name = None if row.namespace == "file" else row.name
    made = Dataset(row.name, name, None if name is None else row.namespace, row.version, rows=row.rows)
    for body in graph.bodies(store, (found.last_seq for found in store.read(query))).values():
        event = json.loads(body)
        for dataset in (*(event.get("inputs") or ()), *(event.get("outputs") or ())):
            facets = dataset.get("facets") or {}
            version = (facets.get("version") or {}).get("datasetVersion")
            if (dataset["namespace"], dataset["name"], version) == (row.namespace, row.name, row.version):
                fields = (facets.get("schema") or {}).get("fields") or ()
                columns = tuple(Column(field["name"], field.get("type") or "") for field in fields)
                uri = (facets.get("dataSource") or {}).get("uri")
                return made.but(columns=columns, uri=made.uri if name is None else uri or made.uri)
    return made


def bad_below(store: Store, versions: Iterable[tuple[str, str, str]]) -> list[Recall]:
    """The recalls that stand against some versions, or against anything that they were made of.

    Args:
        store: the lineage store.
        versions: namespace, name and version of each.
    """
    standing = recalls.standing(store)
    if not standing:
        return []
    found: dict[str, Recall] = {}
    for namespace, name, version in versions:
        key = graph.version_key(namespace, name, version)
        rows = graph.versions(store, [key])
        # What is to be used for the first time is on record nowhere, and its content may be bad all the same.
        known = rows.get(key) or VersionRow(key, namespace, name, version, "", 0)
        made = origins(store, known, producers.last_producer(store, key))
        found |= {recall.subject: recall for recall in bad_among(standing, made)}
    return list(found.values())


def bad_below_model(store: Store, model: ModelRow, standing: Sequence[Recall] | None = None) -> list[Recall]:
    """The recalls that stand against a registered model, or against anything that it was made of."""
    standing = recalls.standing(store) if standing is None else standing
    if not standing:
        return []
    rows = graph.versions(store, [model.version])
    known = VersionRow(model.version, model.namespace, f"models/{model.name}", model.digest, "MODEL", 0)
    made = origins(store, rows.get(model.version, known), find_run(store, model.run_id))
    return bad_among(standing, made)


def require_not_recalled(store: Store, *versions: tuple[str, str, str]) -> None:
    """See that nothing bad is used: no dataset version that is recalled, or rests on something that is.

    Args:
        store: the lineage store.
        versions: namespace, name and version of each that is to be used.

    Raises:
        RecalledError: one is; the message says why.
    """
    for namespace, name, version in versions:
        key = graph.version_key(namespace, name, version)
        for recall in bad_below(store, [(namespace, name, version)]):
            said = _said(recall, key, version)
            raise RecalledError(
                f"{_called(namespace, name, version)} {said}; use another, or pass --allow-recalled",
                subject=recall.subject,
            )


def require_model_not_recalled(store: Store, namespace: str, name: str, number: int) -> None:
    """See that a registered model is not recalled, and rests on nothing that is.

    Raises:
        RecalledError: it does; the message says why.
    """
    columns = tables.models.c
    for model in lookup.models(store, name, (columns.namespace == namespace) & (columns.number == number)):
        for recall in bad_below_model(store, model):
            said = _said(recall, model.version, model.digest)
            raise RecalledError(
                f"model:{name}@{number} {said}; use another version, or pass --allow-recalled",
                subject=recall.subject,
            )


def _said(recall: Recall, key: str, version: str) -> str:
    is_it = recall.version == key or (is_content(version) and recall.content == version)
    rests = "is recalled" if is_it else f"rests on {recall.subject}, which is recalled"
    by = f" by {recall.decided_by}" if recall.decided_by else ""
    return f"{rests} since {recall.decided_at[:19].replace('T', ' ')} UTC{by}: {recall.reason}"


def _called(namespace: str, name: str, version: str) -> str:
    return f"file:{name}" if namespace == "file" else f"dataset:{name}@{version[:12]}"


def _about(store: Store, subject: Subject) -> tuple[str, VersionRow]:
    begun = begin(store, subject)
    if not begun.versions:
        raise SubjectError(f"{subject}: what it was made of is not on record; see `lineal list`", subject=str(subject))
    version = begun.versions[0]
    if not version.version:
        raise SubjectError(
            f"{subject}: its producer gave no version, so nobody could tell the bad one from the next; "
            "recall what was made of it",
            subject=str(subject),
        )
    return str(begun.subject), version


def _standing(store: Store, version: VersionRow) -> Recall | None:
    found = bad_among(recalls.standing(store), {version.key: version})
    return found[0] if found else None


def _others(store: Store, version: VersionRow) -> list[Recall]:
    """The recalls that stand against something else."""
    standing = recalls.standing(store)
    of_it = bad_among(standing, {version.key: version})
    return [recall for recall in standing if recall not in of_it]


def _newest_sound(
    store: Store, namespace: str, name: str, bad: set[tuple[str, str, int | None]], others: Sequence[Recall]
) -> ModelRow | None:
    for model in lookup.models(store, name, tables.models.c.namespace == namespace):
        if (namespace, name, model.number) in bad or _rests_on(store, model, others):
            continue
        # Nor is a recall the way round what a person has still to decide, or has decided.
        if not waits(store, model) and not is_rejected(store, model):
            return model
    return None


def _rests_on(store: Store, model: ModelRow, standing: Sequence[Recall]) -> bool:
    return bool(standing) and bool(bad_below_model(store, model, standing))
