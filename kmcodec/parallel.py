"""Work in parts, in as many threads as there are processors to run them."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["in_threads", "in_threads_each", "thread_count"]

_T = TypeVar("_T")
_S = TypeVar("_S")

_state = threading.local()


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
    if parts == 1 or _state.__dict__.get("is_part"):
        # Work that is itself a part of something: its threads are taken, and to wait for one of
        # them from within would be to wait forever.
        return [work(part, parts) for part in range(parts)]

    def as_part(part: int) -> _T:
        _state.is_part = True
        try:
            return work(part, parts)
        finally:
            _state.is_part = False

    others = [_pool(os.getpid()).submit(as_part, part) for part in range(1, parts)]
    return [as_part(0), *(other.result() for other in others)]


def in_threads_each(work: Callable[[_S], _T], items: Sequence[_S]) -> list[_T]:
    """The results of ``work(item)`` for each item, in order, whatever thread did it.

    Parameters
    ----------
    work : callable
        Lets go of the interpreter's lock for most of its time.
    items : sequence
    """
    threads = min(thread_count(), len(items))
    if threads <= 1:
        return [work(item) for item in items]
    results: dict[int, _T] = {}
    numbers = iter(range(len(items)))

    def take(part: int, parts: int) -> None:
        # One after the other, to whichever thread is free: items may differ in effort.
        for number in numbers:
            results[number] = work(items[number])

    try:
        in_threads(take, threads)
    except BaseException:
        # Nobody wants the rest any more: the other threads find nothing left to take.
        for _ in numbers:
            pass
        raise
    return [results[number] for number in range(len(items))]


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    # One for each process: threads do not survive a fork.
    return ThreadPoolExecutor(max(1, thread_count() - 1), "kmcodec")
