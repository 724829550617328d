import io
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from lineal.models import plots
from lineal.models.attribution import Attribution, Contribution
from lineal.models.evaluation import Evaluation, evaluate
from lineal.models.explanation import Importances, PermutedColumn, importances
from lineal.models.fitting import fit

LINE = "sklearn.linear_model.LogisticRegression"


def judged(pipeline, frame):
    fitted = fit(pipeline, frame)
    return evaluate(pipeline, fitted, frame), importances(pipeline, fitted, frame)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def png(figure):
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=50)
    return out.getvalue()


@pytest.fixture(scope="module")
def cancer():
    frame = load_breast_cancer(as_frame=True).frame
    return frame.assign(target=np.where(frame["target"] == 1, "benign", "malignant"))


@pytest.fixture
def words():
    """An evaluation of ten rows, of many classes each named at length."""

    def make(count: int) -> Evaluation:
        names = tuple(f"class ${number:02} of a long name that goes on and on" for number in range(count))
        actual = np.array([*names, *names], dtype=object)
        table = {"actual": actual, "prediction": actual[::-1]}
        table |= {f"probability_{name}": np.linspace(0, 1, len(actual)) for name in names}
        return Evaluation("multiclass", {}, len(actual), pd.DataFrame(table), names)

    return make


def test_each_kind_of_problem_has_its_plots(make_pipeline, cancer):
    two = plots.figures(*judged(make_pipeline(LINE), cancer))
    three = plots.figures(*judged(make_pipeline(LINE), load_wine(as_frame=True).frame))
    numbers = plots.figures(*judged(make_pipeline("sklearn.linear_model.Ridge"), load_diabetes(as_frame=True).frame))

    curves = ["feature_importance", "confusion_matrix", "roc_curve", "precision_recall_curve"]
    assert list(two) == list(three) == curves
    assert list(numbers) == ["feature_importance", "predicted_against_actual", "residuals"]
    for figure in (*two.values(), *three.values(), *numbers.values()):
        assert png(figure).startswith(b"\x89PNG")
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_the_confusion_matrix_counts_rows(make_pipeline, cancer):
    evaluation, _ = judged(make_pipeline(LINE), cancer)

    axes = plots.confusion_matrix(evaluation).axes[0]

    table = evaluation.predictions
    wrong = ((table["actual"] == "benign") & (table["prediction"] == "malignant")).sum()
    assert texts(axes)[1] == str(wrong)
    assert sum(int(text) for text in texts(axes)[:4]) == len(cancer)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["benign", "malignant"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "actual")


def test_the_curves_tell_their_area(make_pipeline, cancer):
    pipeline = make_pipeline(LINE, '[evaluate]\nmetrics = ["roc_auc", "average_precision"]\n')
    evaluation, _ = judged(pipeline, cancer)

    roc, precision = plots.roc_curve(evaluation).axes[0], plots.precision_recall_curve(evaluation).axes[0]

    assert labels(roc) == [f"malignant (area {evaluation.metrics['roc_auc']:.3f})"]
    assert labels(precision) == [f"malignant (average precision {evaluation.metrics['average_precision']:.3f})"]


def test_more_classes_have_a_curve_each(make_pipeline):
    evaluation, _ = judged(make_pipeline(LINE), load_wine(as_frame=True).frame)

    assert [label[:2] for label in labels(plots.roc_curve(evaluation).axes[0])] == ["0 ", "1 ", "2 "]


def test_scores_without_probabilities_have_curves_too(make_pipeline, cancer):
    evaluation, _ = judged(make_pipeline("sklearn.svm.LinearSVC"), cancer)

    assert "roc_curve" in plots.figures(evaluation)


def test_labels_alone_have_no_curves(make_pipeline, cancer):
    voting = """params = { estimators = [
      ["a", { estimator = "sklearn.tree.DecisionTreeClassifier", params = { max_depth = 1 } }]] }\n"""
    evaluation, _ = judged(make_pipeline("sklearn.ensemble.VotingClassifier", voting), cancer)

    assert list(plots.figures(evaluation)) == ["confusion_matrix"]


def test_many_classes_stay_readable(words):
    evaluation = words(40)

    ticks = [tick.get_text() for tick in plots.confusion_matrix(evaluation).axes[0].get_yticklabels()]

    assert len(ticks) == 12
    assert ticks[-1] == "(others)"
    assert len(labels(plots.roc_curve(evaluation).axes[0])) == 7
    for figure in plots.figures(evaluation).values():
        png(figure)


def test_the_most_important_column_is_on_top_with_its_spread():
    permuted = tuple(PermutedColumn(f"column {at}", 1 / (at + 1), 0.01, ()) for at in range(40))
    undefined = PermutedColumn("undefined", float("nan"), float("nan"), ())

    axes = plots.top_features(Importances("roc_auc", 50, 300, 0, (*permuted, undefined))).axes[0]

    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == [f"column {at}" for at in reversed(range(15))]
    assert [bar.get_width() for bar in axes.patches][-1] == 1
    assert axes.get_xlabel() == "fall of roc_auc when shuffled (mean ± std)"
    assert texts(axes) == ["a sample of 50 of 300 held-out rows"]
    assert axes.get_title(loc="left").startswith("Permutation importance, the first 15 of 41")


def test_no_importance_at_all_still_draws():
    png(plots.top_features(Importances("accuracy", 1, 1, 0, (PermutedColumn("x", float("nan"), 0.0, ()),))))


def test_residuals_are_actual_less_predicted(make_pipeline):
    evaluation, _ = judged(make_pipeline("sklearn.linear_model.Ridge"), load_diabetes(as_frame=True).frame)

    axes, side = plots.residuals(evaluation).axes

    table = evaluation.predictions
    drawn = np.asarray(axes.collections[0].get_offsets())
    assert drawn[:, 1] == pytest.approx((table["actual"] - table["prediction"]).to_numpy())
    assert sum(bar.get_width() for bar in side.patches) == len(table)


def test_many_rows_are_thinned():
    values = np.arange(20_001.0)
    table = pd.DataFrame({"actual": values, "prediction": values})

    axes = plots.predicted_against_actual(Evaluation("regression", {}, len(values), table)).axes[0]

    assert len(axes.collections[0].get_offsets()) <= 5_000
    assert texts(axes) == ["20,001 held-out rows"]


def test_contributions_are_drawn_with_the_rows_values_and_what_is_left_in_one_bar():
    columns = tuple(Contribution(f"c{number}", (20 - number) * (-1) ** number) for number in range(20))
    found = Attribution("tree", "log-odds", "yes", 0.5, 1.25, columns, 0.0)
    figure = plots.contributions(found, {"c0": "17.5"}, "prediction:p_1", most=15)
    (axes,) = figure.axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert len(names) == 16
    assert (names[-1], names[0]) == ("c0 = 17.5", "5 others")
    widths = [bar.get_width() for bar in axes.patches]
    assert (widths[-1], widths[-2]) == (20, -19)
    assert sum(widths) == sum(each.value for each in columns)
    assert axes.get_xlabel() == "added to the log-odds of yes"
    assert png(figure).startswith(b"\x89PNG")


def test_sampled_contributions_are_drawn_with_their_error():
    found = Attribution("sampled", "price", None, 1.0, 2.0, (Contribution("a", 1.0, 0.25),), 0.0, "why", 20, 0)
    (axes,) = plots.contributions(found, {}, "prediction:p_1").axes
    assert axes.get_xlabel() == "added to the price"
    assert len(axes.containers) == 2
    assert "sampled" in texts(axes)[0]


def test_measures_are_drawn_side_by_side_in_one_order():
    panels = [("fall of accuracy", [0.2, -0.1], [0.1, 0.0]), ("mean |SHAP|", [None, 3.0], [None, None])]
    figure = plots.side_by_side(["a", "b"], panels, "What it rests on")
    assert [axes.get_xlabel() for axes in figure.axes] == ["fall of accuracy", "mean |SHAP|"]
    assert [[bar.get_width() for bar in axes.patches] for axes in figure.axes] == [[-0.1, 0.2], [3.0, 0.0]]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["b", "a"]
    assert png(figure).startswith(b"\x89PNG")
