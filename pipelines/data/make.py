"""Make the example data from the packages that ship it, value for value.

Run `uv run --with palmerpenguins==0.1.6 python pipelines/data/make.py`; README.md says where the data come from.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from importlib.metadata import distribution
from pathlib import Path

HERE = Path(__file__).parent


def breast_cancer() -> str:
    """Name the rows and the diagnoses of scikit-learn's copy."""
    from sklearn.datasets import load_breast_cancer

    names = load_breast_cancer().feature_names
    rows = _shipped_with_scikit_learn("breast_cancer.csv")
    diagnoses = {"0": "malignant", "1": "benign"}
    return _csv(
        ["sample", *names, "diagnosis"],
        ([str(number), *row[:-1], diagnoses[row[-1]]] for number, row in enumerate(rows, 1)),
    )


def wine() -> str:
    """Name the columns and the cultivars of scikit-learn's copy."""
    from sklearn.datasets import load_wine

    names = load_wine().feature_names
    rows = _shipped_with_scikit_learn("wine_data.csv")
    return _csv([*names, "cultivar"], ([*row[:-1], "ABC"[int(row[-1])]] for row in rows))


def penguins() -> str:
    """Leave out the penguins that were never weighed."""
    file = distribution("palmerpenguins").locate_file("palmerpenguins/data/penguins-raw.csv")
    header, *rows = csv.reader(io.StringIO(Path(str(file)).read_text(encoding="utf-8")))
    weight = header.index("Body Mass (g)")
    return _csv(header, (row for row in rows if row[weight] != "NA"))


def _shipped_with_scikit_learn(name: str) -> list[list[str]]:
    import sklearn.datasets

    text = (Path(sklearn.datasets.__file__).parent / "data" / name).read_text(encoding="utf-8")
    return list(csv.reader(text.splitlines()[1:]))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


if __name__ == "__main__":
    for make in (breast_cancer, wine, penguins):
        (HERE / f"{make.__name__}.csv").write_text(make(), encoding="utf-8")
