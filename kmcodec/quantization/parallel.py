"""Work in parts, in as many threads as there are processors to run them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_threads", "thread_count"]

_T = TypeVar("_T")


@functools.cache
def thread_count() -> int:
    """How many threads can run at a time; the environment variable KMC_THREADS says otherwise."""
    given = os.environ.get("KMC_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(work: Callable[[int, int], _T], parts: int) -> list[_T]:
    """The results of ``work(part, parts)`` for each part, in order.

    Parameters
    ----------
    work : callable
        Lets go of the interpreter's lock for most of its time.
    parts : int
        At least 1; the first is done in the calling thread.
    """
    if parts == 1:
        return [work(0, 1)]
    others = [_pool(os.getpid()).submit(work, part, parts) for part in range(1, parts)]
    return [work(0, parts), *(other.result() for other in others)]


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    # One for each process: threads do not survive a fork.
    return ThreadPoolExecutor(max(1, thread_count() - 1), "kmcodec")
