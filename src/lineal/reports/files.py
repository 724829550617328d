"""What came of a training run as plain files, the same for the same result: for `dvc metrics` and `dvc plots`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from lineal.datasets.hashing import writing
from lineal.datasets.read import to_frame
from lineal.reports.training import Result

if TYPE_CHECKING:
    import pandas as pd

METRICS, PREDICTIONS, IMPORTANCES, ROC = "metrics.json", "predictions.csv", "importances.csv", "roc.csv"
_PROBABILITY, _SCORE = "probability_", "score_"


def write(result: Result, folder: Path) -> list[Path]:
    """Write the held-out metrics, predictions and, where the model tells classes apart, ROC curves; the importances.

    Args:
        result: of a run.
        folder: made if need be; files of these names in it are replaced.

    Returns:
        The files.

    Raises:
        StorageError: the folder cannot be written.
    """
    metrics = {name: value for name, value in sorted(result.metrics.items()) if math.isfinite(value)}
    texts = {METRICS: json.dumps(metrics, indent=2) + "\n"}
    if result.predictions is not None:
        predictions = to_frame(result.predictions)
        texts[PREDICTIONS] = predictions.to_csv(index=False)
        curves = _curves(predictions)
        if curves is not None:
            texts[ROC] = curves.to_csv(index=False)
    if result.importances is not None:
        importances = to_frame(result.importances, ["kind", "feature", "importance"])
        permuted = importances[importances["kind"] == "permutation"]
        texts[IMPORTANCES] = permuted.drop(columns="kind").to_csv(index=False)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _curves(predictions: pd.DataFrame) -> pd.DataFrame | None:
    """A ROC curve of each class against the rest; of two classes the second's alone, which says all of the first."""
    import pandas as pd
    from sklearn.metrics import roc_curve

    scores = {
        name.removeprefix(mark): predictions[name]
        for name in predictions.columns
        for mark in (_PROBABILITY, _SCORE)
        if name.startswith(mark)
    }
    classes = list(scores)[1:] if len(scores) == 2 else list(scores)
    curves = []
    for label in classes:
        truth = predictions["actual"].astype(str) == label
        if truth.any() and not truth.all():
            across, up, _ = roc_curve(truth, scores[label])
            curves.append(pd.DataFrame({"class": label, "fpr": across, "tpr": up}))
    return pd.concat(curves, ignore_index=True) if curves else None
