"""Which way of a metric is better: by a registry of names, never guessed."""

from __future__ import annotations

from functools import cache

HIGHER = {
    "auc", "auprc", "auroc", "average_precision", "f1_score", "fbeta", "gini", "iou", "kappa", "cohen_kappa",
    "log_likelihood", "map", "matthews_corrcoef", "mcc", "mrr", "ndcg", "pr_auc", "r2_score", "sensitivity",
    "specificity", "spearman", "pearson", "top_k_accuracy", "bleu", "rouge", "val_accuracy",
}  # fmt: skip
LOWER = {
    "brier", "brier_score", "brier_score_loss", "cross_entropy", "crps", "ece", "error", "error_rate",
    "false_negatives", "false_positives", "fnr", "fpr", "hamming_loss", "hinge_loss", "log_loss", "logloss", "loss",
    "mae", "mape", "max_error", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "median_absolute_error", "mse", "msle", "nll", "perplexity", "rmse", "rmsle", "root_mean_squared_error",
    "smape", "val_loss", "wape", "zero_one_loss", "pinball_loss", "latency",
}  # fmt: skip


@cache
def _scorers() -> frozenset[str]:
    from sklearn.metrics import get_scorer_names

    # Of a scikit-learn scorer more is always better: those of losses are negated, and called `neg_…`.
    return frozenset(get_scorer_names())


def direction(metric: str) -> int:
    """1 where more is better, -1 where less is, 0 where the registry does not know the name."""
    name = metric.lower()
    if name in LOWER:
        return -1
    if name in HIGHER or name.startswith("neg_") or name in _COMMON:
        return 1
    return 1 if name in _scorers() else 0


# The scorers that most pipelines name: looked up without loading scikit-learn.
_COMMON = {
    "accuracy", "balanced_accuracy", "f1", "f1_macro", "f1_micro", "f1_weighted", "precision", "precision_macro", "r2",
    "recall", "recall_macro", "roc_auc", "roc_auc_ovr", "roc_auc_ovo", "roc_auc_ovr_weighted", "explained_variance",
}  # fmt: skip
