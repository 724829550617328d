"""Reports about what the example pipelines made, looked at in a real browser."""

import re

import pytest

from tests.parts.looked_at import DESKTOP, PHONE, seen

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

NOTHING_WRONG = {"overlaps": [], "outside": [], "faint": [], "wide": []}
WAYS = [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")]


@pytest.fixture
def report(lineal, project, browser):
    """Write a report, look at it every way there is, and give its text."""

    def make(*words, name="page.html"):
        status, _, err = lineal("report", *words, "--to", name)
        assert status == 0, err
        for size, scheme in WAYS:
            with seen(browser, project / name, size, color_scheme=scheme) as found:
                assert found.laid() == NOTHING_WRONG, (size, scheme)
                assert found.quiet(), (found.console, found.requests, found.dialogs)
                text = found.page.evaluate("document.body.innerText")
        with seen(browser, project / name, (680, 960)) as found:
            found.page.emulate_media(media="print")
            assert found.page.evaluate("document.documentElement.scrollWidth") <= 680
            assert len(found.page.pdf(format="A4")) > 20_000
        return " ".join(text.split())

    return make


def test_a_model_a_prediction_and_a_table(lineal, project, report, monkeypatch):
    assert lineal("run", "pipelines/breast_cancer.toml")[0] == 0
    status, out, err = lineal("predict", "model:breast-cancer@champion", "--data", "pipelines/data/breast_cancer.csv")
    assert status == 0, err
    first = re.search(r"first id +(\S+)", out)[1]
    monkeypatch.setenv("LINEAL_USER", "Grace")
    assert lineal("decide", "model:breast-cancer@1", "approve", "--reason", "agrees with the pilot")[0] == 0

    text = report("model:breast-cancer@champion")
    for said in (
        "breast-cancer version 1",
        "Is a breast mass malignant?",
        "on 143 held-out rows; 95 % interval 0.9",
        "2 of 2 held",
        "Approved by Grace",
        "Confusion matrix: 143 held-out rows",
        "What comes of calling every row malignant whose probability is at least …",
        "worst radius",
        "It goes back to 1 source, by way of 5 versions in between, made by 5 runs.",
        "pipelines/data/breast_cancer.csv",
        "13 checks of the data and its split: 12 held, 1 only told",
        "n_estimators 20",
        "agrees with the pilot",
    ):
        assert said in text, said
    assert str(project) not in text

    text = report(f"prediction:{first}", name="prediction.html")
    for said in (
        "model:breast-cancer@1, which held @champion",
        "added to the probability",
        "What each column adds to the probability of class",
        ", with a probability of ",
        "record 1",
        "predict.score",
    ):
        assert said in text, said
    text = report("dataset:breast-cancer.predictions", "model:breast-cancer", name="both.html")
    assert "2 subjects:" in text
    assert lineal("report", "model:breast-cancer", "--to", "page.html")[0] == 2


def test_classes_and_numbers_side_by_side(lineal, project, report):
    assert lineal("run", "pipelines/wine.toml")[0] == 0
    assert lineal("run", "pipelines/penguins.toml")[0] == 0
    text = report("model:wine", "model:penguins")
    for said in (
        "Not judged on the same rows.",
        "ROC curves, each class against the rest",
        "How near it comes",
        "mean absolute error",
        "less is better",
        "mean absolute error at most 350",
        "10 columns in figures, by 3 measures",
        "Predicted over actual Body Mass (g) of 86 held-out rows",
    ):
        assert said in text, said


def test_what_is_gone_is_told(lineal, project, report):
    """The answers on the held-out rows were deleted: the pictures that the run kept take their place."""
    import shutil

    assert lineal("run", "pipelines/wine.toml")[0] == 0
    shutil.rmtree(project / ".dvc" / "cache")
    text = report("model:wine")
    assert "confusion matrix, as the training run kept it in MLflow" in text
    assert "the answers on the held-out rows: the bytes of" in text
