"""What chance makes of held-out figures: the error that theory gives, and less of it where both models see the rows."""

import numpy as np
import pyarrow as pa
import pytest

from lineal.models import resampling
from lineal.models.metrics import Answers
from lineal.models.resampling import MOST_ROWS, Judged, noise, noise_between


def answers(rows, right, seed=0, labels=("no", "yes")):
    """Rows of two labels, of which a share is told right."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, rows)
    said = np.where(draw.random(rows) < right, truth, 1 - truth)
    return np.array(labels)[truth], np.array(labels)[said]


def table(truth, said, **more):
    return pa.table({"actual": truth, "prediction": said, **more})


@pytest.mark.parametrize("rows", [400, 4 * MOST_ROWS])
def test_that_of_an_accuracy_is_twice_the_error_of_a_proportion(rows):
    truth, said = answers(rows, 0.8)
    value = np.mean(truth == said)
    found = noise("accuracy", Judged.of_table(table(truth, said)))
    # The standard deviation of a hundred draws is itself off by a fourteenth.
    assert found == pytest.approx(2 * (value * (1 - value) / rows) ** 0.5, rel=0.25)


def test_two_models_that_err_alike_differ_by_less():
    truth, said = answers(400, 0.8)
    other = said.copy()
    other[:3] = np.where(said[:3] == "yes", "no", "yes")
    one, two = Judged.of_table(table(truth, said)), Judged.of_table(table(truth, other))
    between = noise_between("accuracy", one, two)
    # Of three rows that differ: the square root of 3, of 400.
    assert between == pytest.approx(2 * 3**0.5 / 400, rel=0.3)
    assert between < noise("accuracy", one) / 4
    assert noise_between("accuracy", one, one) == 0


def test_text_is_judged_as_its_places_in_order_are():
    truth, said = answers(300, 0.7, labels=("a", "b"))
    as_text = noise("f1", Judged.of_table(table(truth, said)))
    as_numbers = noise("f1", Judged.of_table(table(truth == "b", said == "b")))
    turned = noise("f1", Judged.of_table(table(truth == "a", said == "a")))
    assert as_text == as_numbers != turned


def test_the_second_label_is_the_positive_one_where_only_answers_tell_the_labels():
    truth, said = np.array(["yes"] * 20), np.array(["no"] * 5 + ["yes"] * 15)
    judged = Judged.of_table(table(truth, said))
    assert judged.drawn(["recall"], [np.arange(20)])["recall"].tolist() == [0.75]


def test_scores_and_probabilities_are_read_with_their_labels():
    truth, _ = answers(300, 0.9)
    share = np.clip(np.random.default_rng(1).normal(0.4 + 0.2 * (truth == "yes"), 0.2), 0, 1)
    shares = {"probability_no": 1 - share, "probability_yes": share}
    said = np.where(share > 0.5, "yes", "no")
    whole = [np.arange(300)]
    by_share = Judged.of_table(table(truth, said, **shares)).drawn(["roc_auc"], whole)["roc_auc"]
    by_score = Judged.of_table(table(truth, said, score_yes=share)).drawn(["roc_auc"], whole)["roc_auc"]
    assert by_share == by_score > 0.6


def test_numbers_are_not_taken_for_labels():
    truth, said = np.array([1.0, 5.0] * 30), np.array([5.0, 5.0] * 30)
    judged = Judged.of_table(table(truth, said))
    assert judged.drawn(["neg_mean_absolute_error"], [np.arange(60)])["neg_mean_absolute_error"].tolist() == [-2.0]


def test_what_the_answers_do_not_hold_cannot_be_told():
    judged = Judged.of_table(table(*answers(100, 0.8)))
    assert noise("roc_auc", judged) is None
    assert noise_between("my_own", judged, judged) is None
    assert noise("accuracy", Judged(np.zeros(0), Answers())) is None


def test_what_is_defined_for_few_draws_cannot_be_told():
    # All but one row are of one class: in a third of the draws that row is not there.
    truth, share = np.array(["no"] * 99 + ["yes"]), np.linspace(0, 1, 100)
    named = table(truth, truth, probability_no=1 - share, probability_yes=share)
    judged = Judged.of_table(named)
    drawn = judged.drawn(["roc_auc"], resampling._draws(100))["roc_auc"]
    assert 0 < np.isnan(drawn).sum() < 50
    assert noise("roc_auc", judged) is not None
    alone = Judged.of_table(named.slice(0, 99))
    assert noise("roc_auc", alone) is None
