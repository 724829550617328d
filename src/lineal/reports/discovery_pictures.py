"""Pictures of what the runs teach: each factor that moved a metric, each Pareto front."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lineal.errors import StorageError
from lineal.models.drawing import any_script
from lineal.questions.discovery import Discovery, Lesson
from lineal.questions.discovery.best import Best
from lineal.questions.discovery.factors import Factor

_SIZE = (6.4, 3.6)


def draw(found: Discovery, folder: Path) -> tuple[Path, ...]:
    """Write a PNG and an SVG a picture.

    Args:
        found: what was discovered.
        folder: made where it is not there.

    Returns:
        The files written.

    Raises:
        StorageError: the folder cannot be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for lesson in found.lessons:
            for factor in lesson.factors.moved:
                written += _saved(_factor(lesson, factor), folder, f"{lesson.pipeline}-{lesson.metric}-{factor.name}")
            for number, best in enumerate(lesson.best, 1):
                if best.front_size > 1:
                    written += _saved(_front(lesson, best), folder, f"{lesson.pipeline}-{best.metric}-front-{number}")
    except OSError as problem:
        raise StorageError(
            f"{folder}: pictures cannot be written: {problem.strerror}; name another folder"
        ) from problem
    return tuple(written)


def _figure() -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _factor(lesson: Lesson, factor: Factor) -> Any:
    figure, axes = _figure()
    shown = [level.name[:28].replace(" to ", " to\n") for level in factor.levels]
    names = [f"{name}\nn {level.runs}" for name, level in zip(shown, factor.levels, strict=True)]
    axes.plot(names, [level.median for level in factor.levels], "o-", color="#3465a4")
    axes.set_ylabel(f"{lesson.metric}, median")
    axes.set_xlabel(factor.name)
    axes.set_title(f"{lesson.pipeline}: {factor.effect:.3g} [{factor.low:.3g}, {factor.high:.3g}]", loc="left")
    return figure


def _front(lesson: Lesson, best: Best) -> Any:
    figure, axes = _figure()
    (first, _), (second, _) = best.front[0].metrics[:2]
    points = [tuple(value for _, value in point.metrics[:2]) for point in best.front]
    axes.plot([x for x, _ in points], [y for _, y in points], "o", color="#3465a4")
    for point, place in zip(best.front, points, strict=True):
        axes.annotate(point.run[:23], place, textcoords="offset points", xytext=(4, 4), fontsize=7)
    axes.set_xlabel(first)
    axes.set_ylabel(second)
    shown = f"{len(best.front)} of {best.front_size}" if len(best.front) < best.front_size else str(best.front_size)
    axes.set_title(f"{lesson.pipeline}: none is better in all ({shown} runs)", loc="left")
    return figure


def _saved(figure: Any, folder: Path, name: str) -> list[Path]:
    stem = re.sub(r"[^\w.-]+", "-", name)
    paths = [folder / f"{stem}.{kind}" for kind in ("png", "svg")]
    with any_script():
        for path in paths:
            figure.savefig(path, dpi=150)
    return paths
