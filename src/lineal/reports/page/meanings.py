"""What a metric's figure means, for a person who does not know the metric: what it counts, and what is best."""

from __future__ import annotations

# By scikit-learn's name, less what it says of how classes are averaged.
_MEANINGS = {
    "accuracy": "share of rows answered right; 1 is all",
    "average_precision": "precision over all thresholds; 1 is perfect",
    "balanced_accuracy": "share answered right, as a mean over classes; 1 is all",
    "explained_variance": "share of the spread of {target} that it explains; 1 is all",
    "f1": "precision and recall in one; 1 is perfect, 0 the worst",
    "jaccard": "share of rows that were and were called so; 1 is all",
    "matthews_corrcoef": "agreement with the truth; 1 is perfect, 0 is chance",
    "neg_brier_score": "squared distance of its probabilities from what was true; 0 is perfect",
    "neg_log_loss": "how far its probabilities are from what was true; 0 is perfect",
    "neg_max_error": "the largest error, in units of {target}; 0 is perfect",
    "neg_mean_absolute_error": "mean error without its sign, in units of {target}; 0 is perfect",
    "neg_mean_absolute_percentage_error": "mean error as a share of the true value; 0 is perfect",
    "neg_mean_squared_error": "mean of squared errors, in squared units of {target}; 0 is perfect",
    "neg_median_absolute_error": "half of all errors are smaller, in units of {target}; 0 is perfect",
    "neg_root_mean_squared_error": "usual error, large ones counting more, in units of {target}; 0 is perfect",
    "precision": "of the rows called so, the share that is; 1 is all",
    "r2": "share of the spread of {target} that it explains; 1 is all, 0 no more than its mean",
    "recall": "of the rows that are, the share that was called so; 1 is all",
    "roc_auc": "how well it ranks those that are above those that are not; 1 is perfect, 0.5 is chance",
    "top_k_accuracy": "share of rows whose truth is among its first answers; 1 is all",
}
# Longest first: the shorter ones end some of them.
_AVERAGED = ("_ovr_weighted", "_ovo_weighted", "_weighted", "_samples", "_macro", "_micro", "_ovr", "_ovo")


def meaning(scorer: str, target: str = "") -> str:
    """What a figure of a scorer means; empty for one that is not known here.

    Args:
        scorer: scikit-learn's name.
        target: the column that is predicted, whose units an error has.
    """
    end = next((each for each in _AVERAGED if scorer.endswith(each)), "")
    said = _MEANINGS.get(scorer) or _MEANINGS.get(scorer.removesuffix(end), "")
    return said.replace("{target}", target or "what is predicted")
