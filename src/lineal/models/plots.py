"""Plots of a judged and explained model, as matplotlib Figures.

They are made without `pyplot`: no window, no global state, good in any thread. Save one with
`figure.savefig(path)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lineal.models import units
from lineal.models.attribution import Attribution
from lineal.models.evaluation import Evaluation
from lineal.models.explanation import Importances

# Distinguishable with colour-blindness (Okabe and Ito); grey for what is only for reference.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5C5C5C")
_GREY = "#8A8A8A"
# More classes or labels than these are not told apart in a plot.
_MOST_CURVES = len(_COLOURS)
_MOST_CELLS = 12
_MOST_POINTS = 5_000
_LABEL_LENGTH = 32


def figures(evaluation: Evaluation, importances: Importances | None = None) -> dict[str, Figure]:
    """Draw every plot that suits the model, by a name that is good as a file's.

    Args:
        evaluation: on held-out rows.
        importances: of the same model; None leaves its plot out.
    """
    drawn: dict[str, Figure] = {}
    if importances is not None:
        drawn["feature_importance"] = top_features(importances)
    if evaluation.kind == "regression":
        drawn["predicted_against_actual"] = predicted_against_actual(evaluation)
        drawn["residuals"] = residuals(evaluation)
        return drawn
    drawn["confusion_matrix"] = confusion_matrix(evaluation)
    if _curves(evaluation):
        drawn["roc_curve"] = roc_curve(evaluation)
        drawn["precision_recall_curve"] = precision_recall_curve(evaluation)
    return drawn


def top_features(importances: Importances, most: int = 15) -> Figure:
    """Draw what shuffling each column costs, with its spread, the most important on top."""
    shown = [each for each in importances.permuted if np.isfinite(each.mean)][:most][::-1]
    figure, axes = _blank(7.5, 1.6 + 0.3 * max(len(shown), 2))
    places = range(len(shown))
    axes.barh(
        places,
        [each.mean for each in shown],
        xerr=[each.std for each in shown],
        color=_COLOURS[0],
        height=0.62,
        error_kw={"ecolor": "#333333", "elinewidth": 1, "capsize": 2.5},
    )
    axes.set_yticks(places, [_short(each.column) for each in shown])
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.8)
    axes.set_xlabel(f"fall of {importances.metric} when shuffled (mean ± std)")
    more = f", the first {len(shown)} of {len(importances.permuted)}" if len(importances.permuted) > len(shown) else ""
    rows = f"{importances.rows:,} held-out rows"
    if importances.rows < importances.sampled_from:
        rows = f"a sample of {importances.rows:,} of {importances.sampled_from:,} held-out rows"
    _title(axes, f"Permutation importance{more}", rows)
    return figure


def contributions(found: Attribution, values: Mapping[str, str], title: str, most: int = 15) -> Figure:
    """Draw what each column adds to one prediction, the largest on top.

    Args:
        found: the contributions.
        values: what each column holds in the row, as text.
        title: of the figure.
        most: of many columns, so many are told apart.
    """
    shown, rest = list(found.contributions[:most]), found.contributions[most:]
    names = [f"{_short(each.column)} = {_short(values.get(each.column, ''), 14)}" for each in shown]
    sizes, errors = [each.value for each in shown], [each.error or 0.0 for each in shown]
    if rest:
        names.append(f"{len(rest)} others")
        sizes.append(sum(each.value for each in rest))
        errors.append(0.0)
    figure, axes = _blank(8.0, 1.6 + 0.3 * max(len(sizes), 2))
    places = range(len(sizes))
    bars = {"ecolor": "#333333", "elinewidth": 1, "capsize": 2.5}
    colours = [_COLOURS[0] if size >= 0 else _COLOURS[1] for size in sizes[::-1]]
    axes.barh(
        places,
        sizes[::-1],
        xerr=errors[::-1] if any(errors) else None,
        color=colours,
        height=0.62,
        error_kw=bars,
    )
    axes.set_yticks(places, names[::-1])
    axes.tick_params(axis="y", length=0)
    axes.axvline(0, color=_GREY, linewidth=0.8)
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.8)
    of = f" of {_short(found.label)}" if found.label is not None else ""
    axes.set_xlabel(f"added to the {units.word(found.unit)}{of}")
    way = {"tree": "exact", "linear": "exact", "sampled": "sampled, ± standard error"}[found.method]
    _title(axes, title, f"{found.base:.4g} for an average row, {found.output:.4g} for this one; SHAP values, {way}")
    return figure


def side_by_side(
    names: Sequence[str], panels: Sequence[tuple[str, Sequence[float | None], Sequence[float | None]]], title: str
) -> Figure:
    """Draw several measures of the same things, each in a panel of its own.

    Args:
        names: of the things, the first on top.
        panels: what each measures, its values and their spreads; None where there is no value.
        title: of the figure.
    """
    figure = Figure(figsize=(3.0 + 2.9 * len(panels), 1.6 + 0.3 * max(len(names), 2)), layout="constrained")
    every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    places = range(len(names))
    for place, (axes, (label, values, spreads)) in enumerate(zip(every, panels, strict=True)):
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
        axes.barh(
            places,
            [value or 0.0 for value in values][::-1],
            xerr=[spread or 0.0 for spread in spreads][::-1] if any(spreads) else None,
            color=_COLOURS[place],
            height=0.62,
            error_kw={"ecolor": "#333333", "elinewidth": 1, "capsize": 2.5},
        )
        axes.axvline(0, color=_GREY, linewidth=0.8)
        axes.grid(axis="x", color="#E6E6E6", linewidth=0.8)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(label)
    every[0].set_yticks(places, [_short(name) for name in names][::-1])
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure


def confusion_matrix(evaluation: Evaluation) -> Figure:
    """Draw how many rows of each class were predicted as which, shaded by the share of the actual class."""
    from sklearn.metrics import confusion_matrix as count

    labels, actual, predicted = _confusable(evaluation)
    counts = count(actual, predicted, labels=labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 2.6 + 0.62 * len(labels)
    figure, axes = _blank(size + 1.0, size)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(len(labels)):
        for column in range(len(labels)):
            dark = shares[row, column] > 0.55
            text = f"{counts[row, column]:,}"
            axes.text(column, row, text, ha="center", va="center", color="white" if dark else "#222222")
    names = [_short(label, 16) for label in labels]
    axes.set_xticks(range(len(labels)), names, rotation=0 if len(labels) < 4 else 45, ha=_alignment(len(labels)))
    axes.set_yticks(range(len(labels)), names)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    _title(axes, "Confusion matrix", f"{evaluation.rows:,} held-out rows")
    return figure


def roc_curve(evaluation: Evaluation) -> Figure:
    """Draw the true against the false positive rate; with more than two classes, each against the rest."""
    from sklearn.metrics import auc
    from sklearn.metrics import roc_curve as trace

    figure, axes = _blank(6.2, 5.4)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle=(0, (4, 3)))
    for place, (label, is_it, scores) in enumerate(_curves(evaluation)):
        false, true, _ = trace(is_it, scores)
        axes.plot(false, true, **_line(place), label=f"{_short(label)} (area {auc(false, true):.3f})")
    _unit_square(axes, "false positive rate", "true positive rate")
    axes.legend(loc="lower right", frameon=False)
    _title(
        axes, "ROC curve" if evaluation.kind == "binary" else "ROC curves, each class against the rest", _of(evaluation)
    )
    return figure


def precision_recall_curve(evaluation: Evaluation) -> Figure:
    """Draw precision against recall; with more than two classes, each against the rest."""
    from sklearn.metrics import average_precision_score
    from sklearn.metrics import precision_recall_curve as trace

    figure, axes = _blank(6.2, 5.4)
    curves = _curves(evaluation)
    for place, (label, is_it, scores) in enumerate(curves):
        precision, recall, _ = trace(is_it, scores)
        name = f"{_short(label)} (average precision {average_precision_score(is_it, scores):.3f})"
        axes.step(recall, precision, where="post", **_line(place), label=name)
        if len(curves) == 1:
            axes.axhline(is_it.mean(), color=_GREY, linewidth=1, linestyle=(0, (4, 3)))
    _unit_square(axes, "recall", "precision")
    axes.legend(loc="lower left", frameon=False)
    title = "Precision and recall" + ("" if evaluation.kind == "binary" else ", each class against the rest")
    _title(axes, title, _of(evaluation))
    return figure


def predicted_against_actual(evaluation: Evaluation) -> Figure:
    """Draw each row's predicted against its actual value; on the line they are equal."""
    actual, predicted = _points(evaluation)
    figure, axes = _blank(6.0, 5.6)
    low, high = float(min(actual.min(), predicted.min())), float(max(actual.max(), predicted.max()))
    axes.plot([low, high], [low, high], color=_GREY, linewidth=1, linestyle=(0, (4, 3)))
    axes.scatter(actual, predicted, **_dots(len(actual)))
    axes.set_xlabel("actual")
    axes.set_ylabel("predicted")
    axes.grid(color="#EFEFEF", linewidth=0.8)
    _title(axes, "Predicted against actual", _of(evaluation))
    return figure


def residuals(evaluation: Evaluation) -> Figure:
    """Draw what is left of the actual value once the predicted is taken away, over the predicted, with its spread."""
    actual, predicted = _points(evaluation)
    left = actual - predicted
    figure = Figure(figsize=(7.6, 4.8), layout="constrained")
    axes, side = figure.subplots(1, 2, sharey=True, width_ratios=(4, 1))
    for each in (axes, side):
        each.spines[["top", "right"]].set_visible(False)
        each.axhline(0, color=_GREY, linewidth=1, linestyle=(0, (4, 3)))
    axes.scatter(predicted, left, **_dots(len(left)))
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual less predicted")
    axes.grid(color="#EFEFEF", linewidth=0.8)
    axes.set_axisbelow(True)
    side.hist(left, bins=min(40, max(8, int(np.sqrt(len(left))))), orientation="horizontal", color=_COLOURS[0])
    side.set_xlabel("rows")
    side.tick_params(axis="y", length=0)
    _title(axes, "Residuals", _of(evaluation))
    return figure


def _curves(evaluation: Evaluation) -> list[tuple[Any, np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Of each class to be drawn: its label, which rows are of it, and each row's score for it."""
    table = evaluation.predictions
    # Two classes have one curve: that of the second, as scikit-learn's `roc_auc` has it.
    labels = evaluation.classes[1:] if evaluation.kind == "binary" else evaluation.classes
    commonest = sorted(labels, key=lambda label: -int((table["actual"] == label).sum()))[:_MOST_CURVES]
    found = []
    for label in (label for label in labels if label in commonest):
        name = next((name for name in (f"probability_{label}", f"score_{label}") if name in table.columns), None)
        is_it = (table["actual"] == label).to_numpy(dtype=bool)
        if name is not None and 0 < is_it.sum() < len(is_it):
            found.append((label, is_it, table[name].to_numpy()))
    return found


def _confusable(evaluation: Evaluation) -> tuple[list[str], list[str], list[str]]:
    """Labels, actual and predicted as text; of many classes the rarer ones together."""
    actual = evaluation.predictions["actual"].astype(str)
    predicted = evaluation.predictions["prediction"].astype(str)
    labels = [str(label) for label in evaluation.classes]
    labels += sorted(set(actual) - set(labels))
    if len(labels) > _MOST_CELLS:
        kept = list(actual.value_counts().index[: _MOST_CELLS - 1])
        labels = [*(label for label in labels if label in kept), "(others)"]
        actual, predicted = (each.where(each.isin(kept), "(others)") for each in (actual, predicted))
    return labels, list(actual), list(predicted)


def _points(evaluation: Evaluation) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Actual and predicted values, of many rows each n-th."""
    table = evaluation.predictions
    table = table.iloc[:: -(-len(table) // _MOST_POINTS)]
    return table["actual"].to_numpy(dtype=np.float64), table["prediction"].to_numpy(dtype=np.float64)


def _dots(count: int) -> dict[str, Any]:
    return {
        "s": 16 if count < 1000 else 8,
        "alpha": 0.65 if count < 1000 else 0.35,
        "color": _COLOURS[0],
        "linewidths": 0,
    }


def _line(place: int) -> dict[str, Any]:
    # Each thinner than the last, so that curves that coincide are all seen.
    return {"color": _COLOURS[place], "linewidth": max(1.0, 2.8 - 0.6 * place)}


def _blank(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    return figure, axes


def _unit_square(axes: Axes, across: str, up: str) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(color="#EFEFEF", linewidth=0.8)


def _title(axes: Axes, title: str, under: str) -> None:
    axes.set_title(f"{title}\n", loc="left", fontsize=12, fontweight="bold")
    axes.text(0, 1.02, under, transform=axes.transAxes, fontsize=9.5, color="#5C5C5C")


def _of(evaluation: Evaluation) -> str:
    return f"{evaluation.rows:,} held-out rows"


def _alignment(labels: int) -> str:
    return "center" if labels < 4 else "right"


def _short(label: Any, length: int = _LABEL_LENGTH) -> str:
    # A dollar sign would start matplotlib's mathematics.
    text = str(label).replace("$", r"\$")
    return text if len(text) <= length else f"{text[: length - 1]}…"
