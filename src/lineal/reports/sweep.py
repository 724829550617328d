"""What a sweep has done, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from lineal.reports import delivery
from lineal.store.delivery.deliver import Delivery
from lineal.tracing.sweep import Ended


def swept(ended: Sequence[Ended], deliveries: Sequence[Delivery]) -> RenderableType:
    """A line a run, then a line a consumer."""
    lines: list[RenderableType] = [f"{each.state:8} {each.job}  {each.run_id}: {each.reason}" for each in ended]
    lines.append(f"{len(ended)} runs ended" if ended else "no run needed an end")
    return Group(*lines, delivery.deliveries(deliveries))
