"""What a figure means is said of every metric that a pipeline is likely to name."""

import pytest
from sklearn.metrics import get_scorer_names

from lineal.reports.page.meanings import _MEANINGS, meaning


def test_every_meaning_is_of_a_scorer_that_there_is():
    assert set(_MEANINGS) <= set(get_scorer_names())


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        ("f1_macro", "precision and recall in one; 1 is perfect, 0 the worst"),
        (
            "roc_auc_ovr_weighted",
            "how well it ranks those that are above those that are not; 1 is perfect, 0.5 is chance",
        ),
        ("neg_mean_absolute_error", "mean error without its sign, in units of price; 0 is perfect"),
        ("our_own", ""),
    ],
)
def test_a_meaning(scorer, said):
    assert meaning(scorer, "price") == said


def test_a_target_is_no_template():
    assert "units of {0.x};" in meaning("neg_max_error", "{0.x}")
    assert "units of what is predicted;" in meaning("neg_max_error")
