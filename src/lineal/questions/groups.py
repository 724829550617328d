"""Groups: how a model does on groups of the held-out rows, from the event log alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lineal.models.groups.interface import Column, Figure, Gap, Group, Grouping, Groups, gap_of, of_facet
from lineal.questions.trace import trace
from lineal.store.facts import root_of
from lineal.store.log import Store
from lineal.subjects import Subject

__all__ = ["FACET", "Column", "Figure", "Gap", "Group", "Grouping", "Groups", "gap_of", "groups", "recorded"]

FACET = "lineal_groups"


def groups(store: Store, subject: Subject) -> Groups | None:
    """Read how a model does on groups of the held-out rows; None where no run on record says so.

    Args:
        store: the lineage store.
        subject: a model, or a run: of a flow that trained one, or of its evaluation.

    Raises:
        SubjectError: unknown or ambiguous.
    """
    found = trace(store, subject)
    root = found.flow.run_id if found.flow else None
    within = [run for run in found.runs if root is None or root == root_of({"runId": run.run_id, "facets": run.facets})]
    return recorded((run.run_id, run.facets) for run in within if run.state == "COMPLETE")


def recorded(runs: Iterable[tuple[str, Mapping[str, Any]]]) -> Groups | None:
    """What the newest of some runs says of groups, by their ids and facets, oldest first; None where none does."""
    told = [(run_id, facets[FACET]) for run_id, facets in runs if isinstance(facets.get(FACET), Mapping)]
    return of_facet(told[-1][1], told[-1][0]) if told else None
