"""Carry out a recall: its decision goes on record, and aliases move in MLflow's registry as well."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.datasets.dataset import Dataset
from lineal.errors import LinealError
from lineal.models import tracking
from lineal.models.model import Model
from lineal.store.recalls import AliasMove, Done
from lineal.tracing.decorator import current_run, traced


def record(
    subject: str, thing: Dataset | Model, namespace: str, name: str, moves: Sequence[AliasMove], reason: str, undo: bool
) -> Done:
    """Record that something is bad, or to be trusted again, and move the aliases that are to move.

    What MLflow refuses is told, and the rest is done all the same: the recall itself needs nobody's leave.

    Args:
        subject: as it was named.
        thing: what is bad.
        namespace: of its name in lineage.
        name: in lineage.
        moves: of aliases.
        reason: why.
        undo: whether it is to be trusted again.
    """

    @traced
    def recall(thing: Dataset | Model) -> Done:
        """Decide that something is bad, or to be trusted again."""
        run = current_run()
        content = thing.digest if isinstance(thing, Model) else thing.version
        first = {
            "action": "restore-trust" if undo else "recall",
            "namespace": namespace,
            "name": name,
            "version": content,
            "subject": subject,
            "reason": reason,
        }
        done = move_aliases(moves, run_id=str(run.ref.id))
        why = f"{subject} is {'trusted again' if undo else 'recalled'}: {reason}"
        moved = [moved_facet(move, why) for move in done.moved]
        run.decisions([first, *moved], by=_who(run.facets))
        return done

    return recall(thing)


def _who(facets: dict[str, object]) -> str:
    environment = facets.get("lineal_environment")
    return str((environment if isinstance(environment, dict) else {}).get("user") or "someone")


def moved_facet(move: AliasMove, why: str) -> dict[str, object]:
    """A move of an alias as a decision facet has it."""
    return {
        "action": "move-alias",
        "namespace": move.namespace,
        "name": move.name,
        "alias": move.alias,
        "number": move.to,
        "previous": move.holder or None,
        "digest": move.digest,
        "reason": why,
    }


def move_aliases(moves: Sequence[AliasMove], run_id: str) -> Done:
    """Move aliases in MLflow's registry, but those that somebody has moved meanwhile.

    Args:
        moves: what is to move.
        run_id: the run that records it.
    """
    moved, left, failed = [], [], []
    for move in moves:
        what = f"@{move.alias} of {move.name}"
        try:
            if move.namespace != tracking.namespace():
                failed.append(f"{what} is kept at {move.namespace}: set MLFLOW_TRACKING_URI to it")
                continue
            holder = tracking.holder(move.name, move.alias)
            now = holder.number if holder else 0
            if now not in (move.holder, move.to):
                by = f"version {now}" if now else "nobody"
                left.append(f"{what} is held by {by} in MLflow, and stays there")
                continue
            if now != (move.to or 0):
                if move.to is None:
                    tracking.delete_alias(move.name, move.alias)
                else:
                    tracking.set_alias(move.name, move.alias, move.to)
            moved.append(move)
        except LinealError as problem:
            failed.append(f"{what}: {problem}")
    return Done(run_id, tuple(moved), tuple(left), tuple(failed))
