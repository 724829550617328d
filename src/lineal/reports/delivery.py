"""What came of a delivery, and how consumers stand, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType

from lineal.reports.terminal import moment
from lineal.store.delivery.deliver import Delivery, Standing


def deliveries(found: Sequence[Delivery]) -> RenderableType:
    """A line a consumer."""
    lines = []
    for each in found:
        parts = [f"{each.sent} events sent"]
        if each.refused:
            parts.append(f"{each.refused} refused")
        if each.busy:
            parts.append("another process is delivering to it")
        elif each.problem is not None:
            parts.append(f"{each.waiting} wait, as {each.problem}")
        elif each.set_aside:
            parts.append(f"it has all but {each.set_aside} that it refused")
        else:
            parts.append("it has all")
        lines.append(f"{each.consumer}: {'; '.join(parts)}")
    if not all(each.complete for each in found):
        lines += ["", "lineal deliver --status"]
    return Group(*lines)


def skipped(found: Mapping[str, int]) -> RenderableType:
    """A line a consumer."""
    return Group(*(f"{name}: begins with what comes; {count} events are passed over" for name, count in found.items()))


def standings(found: Sequence[Standing]) -> RenderableType:
    """A paragraph a consumer, with its answers."""
    if not found:
        return "no consumer is configured, and none ever was; set OPENLINEAGE_URL, or write openlineage.yml"
    lines = []
    for each in found:
        now = each.status
        lines.append(f"{now.consumer}{'' if each.configured else '  (not configured here)'}")
        lines.append(f"  waiting    {now.waiting} events")
        lines.append(f"  delivered  {'last ' + moment(now.delivered_at) if now.delivered_at else 'nothing yet'}")
        if now.problem is not None:
            lines.append(
                f"  problem    {now.problem}; failed attempts: {now.failures}, next from {moment(now.retry_at)}"
            )
        lines.append(f"  refused    {now.refused} events")
        for refusal in each.refusals:
            what = f"{refusal.event_type or 'event'} of run {refusal.run_id}" if refusal.run_id else "event"
            answer = " ".join(refusal.answer.split())[:300]
            lines.append(f"    {what}: {refusal.status if refusal.status is not None else ''} {answer}".rstrip())
        if now.refused > len(each.refusals):
            lines.append(f"    … and {now.refused - len(each.refusals)} more")
        lines.append("")
    if any(each.status.refused for each in found):
        lines.append("lineal deliver --again")
    elif any(each.status.waiting for each in found):
        lines.append("lineal deliver")
    else:
        lines.pop()
    return Group(*lines)
