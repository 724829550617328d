"""Run ids that anyone can recompute, and the names of jobs."""

from __future__ import annotations

import re
from uuid import UUID, uuid5

# Fixed for ever: every id that was ever given out rests on it.
_LINEAL = UUID("6c1f6c1e-9d0a-5f0b-8a53-2f6a7c0e1d42")


def run_id(namespace: str, prefect_run_id: UUID | str, attempt: int = 1) -> UUID:
    """Compute the OpenLineage run id of one attempt of a Prefect flow or task run.

    Args:
        namespace: the job namespace, `OPENLINEAGE_NAMESPACE`, default `lineal`.
        prefect_run_id: of the flow run or the task run.
        attempt: 1 for the first, as in Prefect's `run_count`.
    """
    return uuid5(_LINEAL, f"{namespace}\n{UUID(str(prefect_run_id))}\n{attempt}")


def job_name(*parts: str) -> str:
    """Join flow, task and function names to a job's name.

    Marquez answers 500 to graph questions about names with `:` or `#` in them, or with a digit first.
    """
    name = ".".join(re.sub(r"[:#\s]+", "-", part.strip()) for part in parts if part)
    return f"_{name}" if name[:1].isdigit() else name
