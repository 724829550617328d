"""Run ids that anyone can recompute, and the names of jobs."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID, uuid5

# Fixed for ever: every id that was ever given out rests on it.
_LINEAL = UUID("6c1f6c1e-9d0a-5f0b-8a53-2f6a7c0e1d42")


def run_id(namespace: str, prefect_run_id: UUID | str, attempt: int = 1, created: datetime | None = None) -> UUID:
    """Compute the OpenLineage run id of one attempt of a Prefect flow or task run.

    It is a UUID of version 7, as the official clients make them, and as some consumers ask for: they take a run's time
    from its id.

    Args:
        namespace: the job namespace, `OPENLINEAGE_NAMESPACE`, default `lineal`.
        prefect_run_id: of the flow run or the task run.
        attempt: 1 for the first, as in Prefect's `run_count`.
        created: when Prefect made the run, its `created`; a task run's id tells that by itself.

    Raises:
        ValueError: the time is left out, and the id does not tell it.
    """
    prefect = UUID(str(prefect_run_id))
    if prefect.version == 7:
        milliseconds = prefect.int >> 80
    elif created is not None:
        # Whole seconds first: as one float, the last digits would not be sure.
        milliseconds = int(created.replace(microsecond=0).timestamp()) * 1000 + created.microsecond // 1000
    else:
        raise ValueError(f"the run id of Prefect's run {prefect} takes the time at which Prefect made it: `created`")
    hashed = uuid5(_LINEAL, f"{namespace}\n{prefect}\n{attempt}").int
    # The time, then what was hashed; version 5 becomes 7, and the variant is the same.
    return UUID(int=(milliseconds << 80) | (hashed & (1 << 76) - 1) | (7 << 76))


def job_name(*parts: str) -> str:
    """Join flow, task and function names to a job's name.

    Marquez answers 500 to graph questions about names with `:` or `#` in them, or with a digit first.
    """
    name = ".".join(re.sub(r"[:#\s]+", "-", part.strip()) for part in parts if part)
    return f"_{name}" if name[:1].isdigit() else name
