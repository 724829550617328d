"""`lineal discover`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from lineal.store.log import Store


def discover(
    *,
    pipeline: str | None = None,
    metric: str | None = None,
    smallest: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    plot: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what all runs on record teach: what moved a metric, what did not, what broke, what was done twice.

    Args:
        pipeline: only the experiments of this pipeline, or of a traced flow by its job's name.
        metric: the metric to look at; each pipeline's first held-out one where it is left out.
        smallest: the smallest change of the metric that would matter to you; where it is left out, twice the noise
            floor, or a fifth of the metric's spread where that is unknown.
        plot: write pictures into this folder.
        json: print one JSON object.
    """
    from lineal.questions.discovery import discover as question
    from lineal.reports import discovery as report
    from lineal.reports import terminal

    answer = question(Store(create=False), pipeline, metric, smallest=smallest)
    if plot is not None:
        from lineal.reports.discovery_pictures import draw

        draw(answer, plot)
    terminal.show(answer, report.render, as_json=json)
