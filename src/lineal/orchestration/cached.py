"""Results that Prefect takes from a cache: it does not call the task's function then, so nobody else can say so."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

_MARK = "__lineal_told__"


@dataclass(frozen=True, slots=True)
class CachedResult:
    """A task's result that Prefect took from a cache.

    Attributes:
        function: what Prefect has as the task's function.
        parameters: that the task was called with.
        value: the result.
        key: what stands for the entry of the cache, as `cache_key` gives it.
    """

    function: Callable[..., Any]
    parameters: Mapping[str, Any]
    value: Any
    key: str | None


def watch(report: Callable[[CachedResult], None]) -> None:
    """Have `report` told of each result that a task run takes from a cache, in the context of that task run.

    Prefect's engine takes such a result by reading its transaction, and does so for nothing else, at the moment the
    body would have run: so the reading tells. State hooks would say it too, but have to be put on every task, log two
    lines for each of its runs, and can be replaced by the user; and what Prefect's server knows of the task arrives
    there some time later, if ever. Nothing is imported for it: without transactions there is no cache either.
    """
    transactions = sys.modules.get("prefect.transactions")
    if transactions is None:
        return
    for name, telling in (("Transaction", _told), ("AsyncTransaction", _told_async)):
        kind: Any = getattr(transactions, name, None)
        read = getattr(kind, "read", None)
        if read is not None and not hasattr(read, _MARK):
            kind.read = telling(read, report)
            setattr(kind.read, _MARK, True)


def _told(read: Callable[..., Any], report: Callable[[CachedResult], None]) -> Callable[..., Any]:
    @functools.wraps(read)
    def told(transaction: Any) -> Any:
        record = read(transaction)
        _tell(transaction, record, report)
        return record

    return told


def _told_async(read: Callable[..., Any], report: Callable[[CachedResult], None]) -> Callable[..., Any]:
    @functools.wraps(read)
    async def told(transaction: Any) -> Any:
        record = await read(transaction)
        _tell(transaction, record, report)
        return record

    return told


def _tell(transaction: Any, record: Any, report: Callable[[CachedResult], None]) -> None:
    context = sys.modules["prefect.context"].TaskRunContext.get()
    if context is not None and transaction.is_committed():
        value = getattr(record, "result", record)
        report(CachedResult(context.task.fn, context.parameters or {}, value, _hashed(transaction.key)))


def cache_key() -> str | None:
    """What stands for the entry of the cache that the current task's result will be kept in, if it will.

    It is the SHA-256 of Prefect's key, which users may make of anything, secrets among it.
    """
    transactions = sys.modules.get("prefect.transactions")
    transaction = transactions.get_transaction() if transactions is not None else None
    if transaction is None or not getattr(transaction, "write_on_commit", False):
        return None
    return _hashed(transaction.key)


def _hashed(key: Any) -> str | None:
    return sha256(str(key).encode()).hexdigest() if key else None
