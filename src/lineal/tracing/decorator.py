"""`@traced`: a call becomes an OpenLineage run, its signature the declaration of what it reads and writes."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from lineal import settings
from lineal.datasets.dataset import Dataset
from lineal.models.model import Model
from lineal.tracing import begin
from lineal.tracing.run import EventType, Run, RunRef

P = ParamSpec("P")
R = TypeVar("R")
logger = logging.getLogger("lineal")

_current: ContextVar[Run | None] = ContextVar("lineal_run", default=None)
_MARK = "__lineal_traced__"


def traced(function: Callable[P, R]) -> Callable[P, R]:
    """Record each call of `function` as an OpenLineage run.

    Every `Dataset` and `Model` among the arguments is an input, every one that is returned an output; also inside
    lists, tuples, dicts and dataclasses, but for fields with `metadata={"lineage": False}`. Under `@task` or `@flow`
    the run is Prefect's; a plain call is a run of its own. `current_run()` adds what a signature cannot say. What goes
    wrong in recording never reaches the caller, unless `LINEAL_STRICT` is set.
    """
    # Only names of this scope, none of this module: what is made here gets the globals of `function` (see `_at_home`).
    recording = _recording

    def call(*args: Any, **kwargs: Any) -> Any:
        with recording(wrapper, function, args, kwargs) as recorder:
            result = function(*args, **kwargs)
            recorder.returned(result)
            return result

    async def call_async(*args: Any, **kwargs: Any) -> Any:
        with recording(wrapper, function, args, kwargs) as recorder:
            result = await function(*args, **kwargs)  # type: ignore[misc]  # a coroutine function, as is asked below
            recorder.returned(result)
            return result

    wrapper = _at_home(call_async if inspect.iscoroutinefunction(function) else call, function)
    setattr(wrapper, _MARK, True)
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
    return _current.get() or Run(RunRef(begin.NOWHERE, begin.NO_JOB))


def is_traced(function: Callable[..., Any]) -> bool:
    """Whether calls of `function` are recorded."""
    return bool(getattr(function, _MARK, False))


class _Recorder:
    """Records one call; nothing that goes wrong in it reaches the call, unless strictness is asked for."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self.end: EventType = "COMPLETE"

    def started(self, wrapper: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any) -> None:
        with self._shielded("starting the run"):
            run = begin.begin(wrapper, function, parent=_current.get(), is_traced=is_traced)
            self.run = run
            for thing in _things((args, kwargs)):
                with self._shielded("reading an input"):
                    run.input(thing)
        self._emit("START")

    def returned(self, result: Any) -> None:
        if self.run is None:
            return
        with self._shielded("reading the result"):
            self.end = begin.outcome_of(result)
        for thing in _things(result):
            with self._shielded("reading an output"):
                self.run.output(thing)

    def raised(self, error: BaseException) -> None:
        self.end = begin.outcome_of_error(error)
        if self.run is not None:
            with self._shielded("reading the exception"):
                self.run.failed(error)

    def ended(self) -> None:
        self._emit(self.end)

    def _emit(self, kind: EventType) -> None:
        if self.run is None:
            return
        try:
            begin.emit(self.run, kind)
        except Exception as problem:  # noqa: BLE001 - the seam that shields the user's work from lineage
            self._unrecorded(problem, f"the {kind} event of {self.run.ref.job.name} was not recorded")

    @contextmanager
    def _shielded(self, what: str) -> Generator[None]:
        try:
            yield
        except Exception as problem:  # noqa: BLE001 - the same seam
            if self.run is not None and not settings.strict():
                self.run.uncaptured(problem, what)
            self._unrecorded(problem, f"{what} went wrong")

    @staticmethod
    def _unrecorded(problem: Exception, what: str) -> None:
        if settings.strict():
            raise problem
        logger.warning("lineage: %s: %s", what, problem)


@contextmanager
def _recording(
    wrapper: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any
) -> Iterator[_Recorder]:
    recorder = _Recorder()
    recorder.started(wrapper, function, args, kwargs)
    before = _current.get()
    _current.set(recorder.run or before)
    try:
        yield recorder
    except BaseException as error:  # also KeyboardInterrupt, cancellation, and Prefect's signal of termination
        recorder.raised(error)
        raise
    finally:
        _current.set(before)
        recorder.ended()


def _things(value: Any, depth: int = 0) -> Iterator[Dataset | Model]:
    """The handles in a value, also inside lists, tuples, sets, dicts and dataclasses."""
    if isinstance(value, (Dataset, Model)):
        yield value
    elif depth > 8:  # a value that holds itself
        return
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _things(inner, depth + 1)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from _things(inner, depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.metadata.get("lineage", True):
                yield from _things(getattr(value, field.name, None), depth + 1)
