"""`lineal trace prediction:ID`."""

from __future__ import annotations

from pathlib import Path

from lineal.errors import SubjectError
from lineal.store.log import Store
from lineal.subjects import Subject


def trace_prediction(subject: Subject, *, plot: Path | None, force: bool, explain: bool, json: bool) -> None:
    """Show a prediction, why it is what it is, and where it came from."""
    from lineal.questions import explanation as explaining
    from lineal.questions.decisions import with_notes
    from lineal.questions.prediction import prediction
    from lineal.reports import prediction_trace, terminal

    if plot is not None:
        from lineal.cli.plotting import require_png

        require_png(plot, force=force)
        if not explain:
            raise SubjectError("--plot draws the explanation, which --no-explain leaves out; give one of the two")
    store = Store(create=False)
    found = with_notes(store, prediction(store, subject))
    answer = explaining.Explained(found, explaining.explain(found) if explain else None)
    if plot is not None:
        from lineal.cli.plotting import save

        save(prediction_trace.plot(answer), plot, force=force)
    terminal.show(answer, prediction_trace.render, as_json=json)
