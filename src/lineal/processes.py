"""Processes: who runs here, and whether one that ran is gone."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

# Two readings of one process's start differ by less, in seconds; a process number is not given anew so soon.
_TOLERANCE = 2.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process, told apart from every other that had its number before or since.

    Attributes:
        host: the machine's or container's name.
        pid: its number there.
        started: when it began, in seconds after the machine's boot: a clock that is set anew moves both.
        boot: the machine's boot, where it says which.
    """

    host: str
    pid: int
    started: float
    boot: str | None = None

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_process() -> Process:
    """The process that asks; a forked child is another one."""
    return _process(os.getpid())


def is_gone(process: Process) -> bool:
    """Whether a process has certainly ended; of other machines nothing is certain."""
    import psutil

    here = this_process()
    if process.host != here.host:
        return False
    if process.boot and here.boot and process.boot != here.boot:
        return True
    try:
        found = psutil.Process(process.pid)
        return abs(_started(found) - process.started) > _TOLERANCE or found.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


@lru_cache(maxsize=4)
def _process(pid: int) -> Process:
    import psutil

    return Process(socket.gethostname(), pid, _started(psutil.Process(pid)), _boot())


def _started(process: Any) -> float:
    import psutil

    return round(float(process.create_time() - psutil.boot_time()), 2)


def _boot() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
