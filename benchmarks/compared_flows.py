"""The flows of `against_openlineage_prefect.py`: traced by Lineal where COMPARED=traced, else as they are."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from prefect import flow, serve, task
from prefect.cache_policies import INPUTS, NO_CACHE

from lineal import Dataset, traced

TABLE = Dataset("s3://bucket/table", version="1")
attempts: list[int] = []


def maybe(function: Callable[..., Any]) -> Callable[..., Any]:
    """Trace a function, where that is what is compared."""
    return traced(function) if os.environ.get("COMPARED") == "traced" else function


@task(cache_policy=NO_CACHE)
@maybe
def work(data: Any) -> Any:
    """Succeed."""
    return data


@task(cache_policy=NO_CACHE)
@maybe
def broken(data: Any) -> Any:
    """Fail."""
    raise ValueError("broken")


@task(cache_policy=NO_CACHE, retries=1)
@maybe
def flaky(data: Any) -> Any:
    """Fail the first time."""
    attempts.append(1)
    if len(attempts) == 1:
        raise ValueError("once")
    return data


@task(cache_policy=INPUTS, persist_result=True)
@maybe
def kept(data: Any, mark: str) -> Any:
    """Give what the cache will give the second time."""
    return data


@task(cache_policy=NO_CACHE, timeout_seconds=1)
@maybe
def late(data: Any) -> Any:
    """Take longer than it may."""
    for _ in range(50):
        time.sleep(0.1)
    return data


@task(cache_policy=NO_CACHE)
@maybe
def long(data: Any) -> Any:
    """Take a minute."""
    for _ in range(600):
        time.sleep(0.1)
    return data


@flow(name="inner")
@maybe
def inner(data: Any) -> Any:
    """Run a task."""
    return work(data)


@flow(name="ok")
@maybe
def ok() -> None:
    """Succeed."""
    work(TABLE)


@flow(name="fail")
@maybe
def fail() -> None:
    """Fail."""
    broken(TABLE)


@flow(name="retry")
@maybe
def retry() -> None:
    """Succeed at the second attempt of a task."""
    flaky(TABLE)


@flow(name="cached")
@maybe
def cached() -> None:
    """Have a result from the cache."""
    mark = str(time.time())
    kept(TABLE, mark)
    kept(TABLE, mark)


@flow(name="timeout")
@maybe
def timeout() -> None:
    """Fail by a timeout."""
    late(TABLE)


@flow(name="cancelled")
@maybe
def cancelled() -> None:
    """Be cancelled."""
    long(TABLE)


@flow(name="subflow")
@maybe
def subflow() -> None:
    """Run a flow."""
    inner(TABLE)


if __name__ == "__main__":
    if sys.argv[1] == "once":
        ok()
    else:
        serve(*(each.to_deployment(each.name) for each in (ok, fail, retry, cached, timeout, cancelled, subflow)))
