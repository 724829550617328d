"""What a sweep has done, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from lineal.reports import delivery
from lineal.store.checkpoints import Checkpoint
from lineal.store.delivery.deliver import Delivery
from lineal.tracing.sweep import Ended


def swept(ended: Sequence[Ended], deliveries: Sequence[Delivery], made: Sequence[Checkpoint] = ()) -> RenderableType:
    """A line a run, then one of the checkpoints, then a line a consumer."""
    lines: list[RenderableType] = [f"{each.state:8} {each.job}  {each.run_id}: {each.reason}" for each in ended]
    lines.append(f"{len(ended)} runs ended" if ended else "no run needed an end")
    if made:
        count = sum(each.count for each in made)
        lines.append(f"{count} events were put under checkpoint {made[-1].number}")
    return Group(*lines, delivery.deliveries(deliveries))
