"""What is answered about one record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineal.questions.decisions import Decided
from lineal.questions.impact import ModelReached


@dataclass(frozen=True, slots=True)
class Appearance:
    """A record in a snapshot, and in one split of it.

    Attributes:
        name: of the snapshot.
        version: of the snapshot.
        row: its 1-based number there.
        source: the file, or database, it was read from; None where that is not on record.
        source_row: its 1-based number there.
        part: `training` or `held out`; None where the snapshot was not split, or the parts' bytes are gone.
        part_version: of the split's part that it stands in.
        made_at: when the snapshot was made.
    """

    name: str
    version: str
    row: int
    source: str | None
    source_row: int | None
    part: str | None
    part_version: str | None
    made_at: str | None


@dataclass(frozen=True, slots=True)
class Predicted:
    """A prediction that was made for a record.

    Attributes:
        prediction_id: by which it can be traced.
        prediction: its value.
        probabilities: of each class, where it names one.
        model_version: the number of the registered version that made it.
        table: of predictions, and
        version: of it.
        row: its 1-based number in the batch.
        predicted_at: when.
        notes: of people on it, newest first.
    """

    prediction_id: str | None
    prediction: Any
    probabilities: Mapping[str, float]
    model_version: Any
    table: str
    version: str
    row: int
    predicted_at: str | None
    notes: tuple[Decided, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordImpact:
    """The answer to `impact record:PIPELINE/ID`.

    Attributes:
        subject: as it was asked.
        column: the id column that it is known by; None where it is known by file and row.
        ids: that its rows have, where it was asked for by file and row and the pipeline names an id column.
        snapshots: where it stands, once for each split of a snapshot.
        learned: the models that were fitted to it.
        judged: the models that it was held out from, to judge them by.
        predictions: that were made for it.
        searched: how many snapshots and tables of predictions were searched.
        missing: a sentence for each version that could not be searched.
    """

    subject: str
    column: str | None
    snapshots: tuple[Appearance, ...]
    learned: tuple[ModelReached, ...]
    judged: tuple[ModelReached, ...]
    predictions: tuple[Predicted, ...]
    searched: int
    missing: tuple[str, ...]
    ids: tuple[str, ...] = ()
