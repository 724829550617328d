"""The log of the run that is going on, as Prefect's UI shows it; the process's own log outside one."""

from __future__ import annotations

import logging
from typing import Any


def run_logger() -> logging.Logger | logging.LoggerAdapter[Any]:
    """The run's logger."""
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("lineal")
