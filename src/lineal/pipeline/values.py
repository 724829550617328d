"""Values of the pipeline file that TOML has more than one type for, and bounds that belong together."""

from __future__ import annotations

from datetime import date
from math import isfinite
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from lineal.findings import shown


def _scalar(value: Any) -> bool | int | float | str:
    if not isinstance(value, (bool, int, float, str)):
        raise ValueError("should be text, a number, or true or false")
    return value


def _bound(value: Any) -> float | date:
    if isinstance(value, date):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise ValueError("should be a number or a date")
    return float(value)


def _written(value: float | date) -> float | str:
    return value.isoformat() if isinstance(value, date) else value


# Plain functions where pydantic would try each branch of a union and report all of them.
Scalar = Annotated[bool | int | float | str, PlainValidator(_scalar)]
# Written by hand: pydantic reads a union's JSON again by its branches, and takes a date's text for neither.
Bound = Annotated[float | date, PlainValidator(_bound), PlainSerializer(_written, return_type=Any, when_used="json")]


def orderly(low_name: str, low: float | date | None, high_name: str, high: float | date | None) -> None:
    """Hold a lower bound to be no more than an upper one; either may be left out."""
    if low is None or high is None:
        return
    try:
        above = low > high  # type: ignore[operator]  # a date beside a number is told below
    except TypeError:
        raise ValueError(f"{low_name} and {high_name} are of different types") from None
    if above:
        raise ValueError(f"{low_name} = {shown(low)} is above {high_name} = {shown(high)}")
