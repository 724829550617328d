"""`lineal explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from lineal.store.log import Store
from lineal.subjects import Subject


def explain(
    model: str,
    /,
    *,
    plot: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what a model's predictions rest on: importances by every measure, led back to source columns.

    Args:
        model: model:NAME@VERSION_OR_ALIAS; without a version, the newest.
        plot: draw the measures side by side into this PNG file.
        force: let --plot replace a file.
        json: print one JSON object.
    """
    from lineal.cli.plotting import require_png, save
    from lineal.questions import importances as question
    from lineal.reports import importances as report
    from lineal.reports import terminal

    asked = Subject.parse(model, allowed=("model",))
    if plot is not None:
        require_png(plot, force=force)
    answer = question.explain(Store(create=False), asked)
    if plot is not None:
        save(report.plot(answer), plot, force=force)
    terminal.show(answer, report.render, as_json=json)
