"""The recording of one call: what it takes, gives back, and how it ends, shielded from the call itself."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from lineal import settings
from lineal.datasets.dataset import Dataset
from lineal.errors import EventError
from lineal.models.model import Model
from lineal.orchestration import context
from lineal.orchestration.cached import CachedResult
from lineal.tracing import begin, endings, history, sealing
from lineal.tracing.endings import Ending
from lineal.tracing.run import Run
from lineal.tracing.statements import EventType

logger = logging.getLogger("lineal")
current: ContextVar[Run | None] = ContextVar("lineal_run", default=None)
MARK = "__lineal_traced__"


def is_traced(function: Callable[..., Any]) -> bool:
    """Whether calls of `function` are recorded."""
    return bool(getattr(function, MARK, False))


class Recorder:
    """Records one call; nothing that goes wrong in it reaches the call, unless strictness is asked for.

    Args:
        wrapper: what Prefect has as the flow's or task's function.
        function: the user's own function.
    """

    def __init__(self, wrapper: Callable[..., Any], function: Callable[..., Any]) -> None:
        self.wrapper = wrapper
        self.function = function
        self.run: Run | None = None
        self.end = Ending()
        self.resumed = False
        self._begun = False
        self._execution: context.FlowRun | context.TaskRun | None = None
        self._yielded: set[Dataset | Model] = set()
        # Whether all datasets are known from the run that filled a cache: by now their files may be other versions.
        self._is_repeated = False
        # What the store has not taken yet: a start that it missed goes before what comes next.
        self._owed: list[tuple[dict[str, Any], str]] = []

    def started(self, arguments: Any) -> None:
        """Record the beginning, with the datasets and models among the arguments."""
        self._begin(arguments)
        self._emit("RUNNING" if self.resumed else "START")

    def started_from_cache(self, found: CachedResult) -> None:
        """Record that the call begins and will be answered from a cache."""
        self._begin(())
        if self.run is not None:
            with self._shielded("looking up the run that filled the cache"):
                self._is_repeated = history.take_over_cached(self.run, found.key)
            if not self._is_repeated:
                self._read(found.parameters)
        self._emit("START")

    def yielded(self, item: Any) -> None:
        """Record the datasets and models in what a generator yields; a loop may yield the same ones for ever."""
        with self._shielded("looking through what is yielded"):
            for thing in things(item):
                if self.run is not None and thing not in self._yielded:
                    self._yielded.add(thing)
                    with self._shielded("reading an output"):
                        self.run.output(thing)

    def returned(self, result: Any) -> None:
        """Record the datasets and models in what is returned, and what it says of the run."""
        if self.run is None:
            return
        with self._shielded("reading the result"):
            if isinstance(self._execution, context.FlowRun):
                result = context.settled(result)
            self.end = endings.of_result(result)
            result = context.contents_of(result)
            if self.end.state:
                self.run.prefect({"state": self.end.state})
            if self.end.kind != "COMPLETE":
                self.run.failed(None, self.end.message)
        if self._is_repeated:
            return
        found: list[Dataset | Model] = []
        with self._shielded("looking through the result"):
            found += things(result)
        for thing in found:
            with self._shielded("reading an output"):
                self.run.output(thing)

    def raised(self, error: BaseException) -> None:
        """Record that the call ends by an exception."""
        self.end = endings.of_error(error, self.wrapper)
        if self.run is None:
            return
        with self._shielded("reading the exception"):
            if self.end.kind == "RUNNING":
                self.run.prefect({"suspended": True})
            else:
                self.run.failed(error, self.end.message)

    def ended(self) -> None:
        """Record the end."""
        if self.run is not None and (self.run.is_parent or isinstance(self._execution, context.FlowRun)):
            try:
                with self._shielded("comparing the run with those within it"):
                    self.run.leave_out(history.told_within(self.run))
            except Exception as problem:  # it is to be strict
                self.raised(problem)
                self._emit(self.end.kind)
                raise
        try:
            self._emit(self.end.kind)
        except EventError as problem:  # the same; what the event could not be written for is left out by now
            self.raised(problem)
            self._emit(self.end.kind)
            raise
        if self.run is not None and self.run.is_outermost and not self._owed:
            sealing.seal(self.run.store_url, self.run.home)
            with self._shielded("delivering the events"):
                begin.leave(self.run.store_url)

    @contextmanager
    def within(self, *returning: type[Exception]) -> Iterator[None]:
        """Make the run the current one; what is raised inside ends it, but for a generator's way of `returning`."""
        before = current.get()
        current.set(self.run or before)
        try:
            yield
        except returning:
            raise
        except BaseException as error:  # also KeyboardInterrupt, cancellation, and Prefect's signal of termination
            self.raised(error)
            raise
        finally:
            current.set(before)

    def _begin(self, arguments: Any) -> None:
        with self._shielded("starting the run"):
            run = begin.begin(self.wrapper, self.function, parent=current.get(), is_traced=is_traced)
            self._execution = context.execution_of(self.wrapper)
            self.resumed = history.take_up(run, self._execution)
            self.run = run
            with self._shielded("looking up what the run runs in"):
                begin.surround(run)
            self._read(arguments)

    def _read(self, arguments: Any) -> None:
        with self._shielded("looking through the arguments"):
            for thing in things(arguments):
                if self.run is not None:
                    with self._shielded("reading an input"):
                        self.run.input(thing)

    def _emit(self, kind: EventType) -> None:
        if self.run is None:
            return
        job = self.run.ref.job.name
        try:
            self._owed.append(self.run.event(kind))
            self._pay(self.run)
        except Exception as problem:  # noqa: BLE001 - the seam that shields the user's work from lineage
            if settings.strict() and not self._begun:
                self.run = None  # what did not begin on record does not go on, and has no end
            self._unrecorded(problem, f"the {kind} event of {job} was not recorded")
        except BaseException:  # a signal came in between, and the store may or may not have the event
            if self._owed and history.has(self.run, kind):
                self._owed.clear()
            self._pay(self.run)
            raise

    def _pay(self, run: Run) -> None:
        while self._owed:
            begin.append(run.store_url, *self._owed[0])
            self._owed.pop(0)
            self._begun = True

    @contextmanager
    def _shielded(self, what: str) -> Generator[None]:
        try:
            yield
        except Exception as problem:  # noqa: BLE001 - the same seam
            if self.run is not None and not settings.strict():
                self.run.uncaptured(problem, what)
            elif not self._begun:
                self.run = None
            self._unrecorded(problem, f"{what} went wrong")

    @staticmethod
    def _unrecorded(problem: Exception, what: str) -> None:
        if settings.strict():
            raise problem
        logger.warning("lineage: %s: %s", what, problem)


@contextmanager
def recording(wrapper: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any) -> Iterator[Recorder]:
    """Record the call that is made inside."""
    recorder = Recorder(wrapper, function)
    try:
        with recorder.within():
            recorder.started((args, kwargs))
            current.set(recorder.run or current.get())
            yield recorder
    finally:
        recorder.ended()


def generated(
    wrapper: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any
) -> Generator[Any, Any, Any]:
    """Record a generator: it starts at its first use, what it yields are outputs, and it may be closed early.

    Its run is the current one only while its own code runs, never between two items, where its consumer does.
    """
    recorder = Recorder(wrapper, function)
    try:
        with recorder.within():
            recorder.started((args, kwargs))
        items = function(*args, **kwargs)
        step, value = items.send, None
        while True:
            try:
                with recorder.within(StopIteration):
                    item = step(value)
            except StopIteration as stop:
                with recorder.within():
                    recorder.returned(stop.value)
                return stop.value
            with recorder.within():
                recorder.yielded(item)
            try:
                step, value = items.send, (yield item)
            except BaseException as error:  # noqa: BLE001 - handed on to the generator, GeneratorExit too
                step, value = items.throw, error
    finally:
        recorder.ended()


async def generated_async(
    wrapper: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any
) -> AsyncGenerator[Any, Any]:
    """Record an asynchronous generator, as `generated` does another one."""
    recorder = Recorder(wrapper, function)
    try:
        with recorder.within():
            recorder.started((args, kwargs))
        items = function(*args, **kwargs)
        step, value = items.asend, None
        while True:
            try:
                with recorder.within(StopAsyncIteration):
                    item = await step(value)
            except StopAsyncIteration:
                return
            with recorder.within():
                recorder.yielded(item)
            try:
                step, value = items.asend, (yield item)
            except BaseException as error:  # noqa: BLE001 - the same
                step, value = items.athrow, error
    finally:
        recorder.ended()


def record_cached(found: CachedResult) -> None:
    """Record a task whose result came from a cache: it began and completed, with the same datasets."""
    if not is_traced(found.function) or _is_current(found.function):
        return
    recorder = Recorder(found.function, getattr(found.function, "__wrapped__", found.function))
    try:
        with recorder.within():
            recorder.started_from_cache(found)
            recorder.returned(found.value)
    finally:
        recorder.ended()


def _is_current(function: Callable[..., Any]) -> bool:
    """Whether the body of the current task run is what is running: it may read transactions of its own."""
    run, execution = current.get(), context.execution_of(function)
    return run is not None and execution is not None and run.ref.id == begin.id_of(execution, settings.namespace())


def things(value: Any, depth: int = 0) -> Iterator[Dataset | Model]:
    """The handles in a value, also inside lists, tuples, sets, dicts and dataclasses."""
    if isinstance(value, (Dataset, Model)):
        yield value
    elif depth > 8:  # a value that holds itself
        return
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from things(inner, depth + 1)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from things(inner, depth + 1)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.metadata.get("lineage", True):
                yield from things(getattr(value, field.name, None), depth + 1)
