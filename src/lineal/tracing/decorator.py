"""`@traced`: a call becomes an OpenLineage run, its signature the declaration of what it reads and writes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from lineal.orchestration.cached import watch
from lineal.orchestration.context import is_flow_or_task
from lineal.tracing import begin, recording
from lineal.tracing.recording import is_traced
from lineal.tracing.run import Run
from lineal.tracing.statements import RunRef

__all__ = ["current_run", "is_traced", "traced"]

P = ParamSpec("P")
R = TypeVar("R")


def traced(function: Callable[P, R]) -> Callable[P, R]:
    """Record each call of `function` as an OpenLineage run.

    Every `Dataset` and `Model` among the arguments is an input, every one that is returned or yielded an output; also
    inside lists, tuples, dicts and dataclasses, but for fields with `metadata={"lineage": False}`. Under `@task` or
    `@flow` the run is Prefect's, also one whose result comes from Prefect's cache; a plain call is a run of its own.
    `current_run()` adds what a signature cannot say. What goes wrong in recording never reaches the caller, unless
    `LINEAL_STRICT` is set.

    Raises:
        TypeError: it stands above `@task` or `@flow`, where it would hide what Prefect adds to the function.
    """
    if is_flow_or_task(function):
        raise TypeError(f"put @traced below @task and @flow, next to the function {function.__name__}")
    # Only names of this scope, none of this module: what is made here gets the globals of `function` (see `_at_home`).
    record, generated, generated_async = recording.recording, recording.generated, recording.generated_async

    def call(*args: Any, **kwargs: Any) -> Any:
        with record(wrapper, function, args, kwargs) as recorder:
            result = function(*args, **kwargs)
            recorder.returned(result)
            return result

    async def call_async(*args: Any, **kwargs: Any) -> Any:
        with record(wrapper, function, args, kwargs) as recorder:
            result = await function(*args, **kwargs)  # type: ignore[misc]  # a coroutine function, as is asked below
            recorder.returned(result)
            return result

    def generate(*args: Any, **kwargs: Any) -> Any:
        return (yield from generated(wrapper, function, args, kwargs))

    async def generate_async(*args: Any, **kwargs: Any) -> Any:
        # `yield from` in the one form that asynchronous generators leave for it.
        items = generated_async(wrapper, function, args, kwargs)
        try:
            item = await anext(items)
            while True:
                try:
                    sent = yield item
                except BaseException as error:  # noqa: BLE001 - handed on to the generator, as Python does
                    item = await items.athrow(error)
                else:
                    item = await items.asend(sent)
        except StopAsyncIteration:
            return

    made: Callable[..., Any] = call
    if inspect.iscoroutinefunction(function):
        made = call_async
    elif inspect.isasyncgenfunction(function):
        made = generate_async
    elif inspect.isgeneratorfunction(function):
        made = generate
    wrapper = _at_home(made, function)
    setattr(wrapper, recording.MARK, True)
    watch(recording.record_cached)
    return cast(Callable[P, R], wrapper)


def _at_home(wrapper: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a wrapper that stands where the function stands.

    Prefect and pydantic resolve a flow's annotations in the globals of what they are given; `functools.wraps` leaves
    those of the module that wraps, where the user's names are unknown.
    """
    scope = getattr(function, "__globals__", wrapper.__globals__)
    made = FunctionType(wrapper.__code__, scope, wrapper.__name__, wrapper.__defaults__, wrapper.__closure__)
    return functools.update_wrapper(made, function)


def current_run() -> Run:
    """The run that is being recorded here.

    Outside a traced call it is a run that goes nowhere, so that code need not ask first.
    """
    return recording.current.get() or Run(RunRef(begin.NOWHERE, begin.NO_JOB))


# A function that comes from another process (a task runner's) was decorated there.
watch(recording.record_cached)
