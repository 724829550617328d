"""How a model does on groups, in MLflow: metrics, a table and a picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lineal.models.groups.interface import AND, Groups
from lineal.models.groups.picture import picture

if TYPE_CHECKING:
    import pandas as pd

    from lineal.models.tracking import Recording

TABLE, PICTURE = "groups/groups.csv", "plots/groups.png"
# What MLflow takes in a key, but for the slash, which parts it.
_UNFIT = re.compile(r"[^\w\-. ]")


def log_groups(recording: Recording, groups: Groups) -> None:
    """Write metrics of groups, a table of them, and a picture to a run of MLflow."""
    recording.metrics(metrics(groups))
    recording.artifact_table(table(groups), TABLE)
    recording.artifact_figure(picture(groups), PICTURE)


def metrics(groups: Groups) -> dict[str, float]:
    """All figures by the names that they have in MLflow: `groups/COLUMN/METRIC/LABEL` and `gaps/COLUMN/METRIC`.

    The groups of a metric are beside each other there, in a chart of their own.
    """
    found: dict[str, float] = {}
    for grouping in groups.groupings:
        by = _key(grouping.name)
        names = _keys([group.name for group in grouping.groups])
        for group, name in zip(grouping.groups, names, strict=True):
            found[f"groups/{by}/count/{name}"] = group.rows
            for figure in group.figures:
                if figure.value is not None:
                    found[f"groups/{by}/{figure.name}/{name}"] = figure.value
        for gap in grouping.gaps:
            if gap.value is not None:
                found[f"gaps/{by}/{gap.metric}"] = gap.value
    return found


def table(groups: Groups) -> pd.DataFrame:
    """A row for each metric of each group, and why there is no value where there is none."""
    import pandas as pd

    rows = [
        {
            "by": grouping.name,
            "group": group.name,
            "rows": group.rows,
            "training rows": group.train_rows,
            "metric": figure.name,
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
            "note": figure.reason,
        }
        for grouping in groups.groupings
        for group in grouping.groups
        for figure in group.figures
    ]
    rows += [{"by": each.name, "note": each.problem} for each in groups.groupings if each.problem]
    names = ["by", "group", "rows", "training rows", "metric", "value", "low", "high", "note"]
    return pd.DataFrame(rows, columns=names).astype({"rows": "Int64", "training rows": "Int64"})


def _key(name: str) -> str:
    made = _UNFIT.sub("_", name.replace(AND, " and "))[:80].strip()
    # What a path would leave out is none of its parts.
    return made if made.strip(".") else "_" * max(len(made), 1)


def _keys(names: list[str]) -> list[str]:
    """Names as MLflow takes them, and still told apart: `<5` and `>5` are not."""
    found: list[str] = []
    for name in map(_key, names):
        same = sum(each == name or each.startswith(f"{name}_") for each in found)
        found.append(f"{name}_{same + 1}" if name in found else name)
    return found
