"""Run work in parts, in one thread for each available processor.

An ending interpreter (after the main thread has ended, or from `atexit` on) can start no threads:
the calling thread then does all the work.
"""

from __future__ import annotations

import functools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

__all__ = [
    "done_here",
    "heed_stop",
    "in_groups",
    "in_threads",
    "in_threads_each",
    "in_turn",
    "thread_count",
]

_T = TypeVar("_T")
_S = TypeVar("_S")

GROUP = 256
"""Number of items that `in_groups` takes at a time."""

_state = threading.local()


@functools.cache
def thread_count() -> int:
    """Return how many threads can run at a time, or the environment variable KMC_THREADS."""
    given = os.environ.get("KMC_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Stopped(BaseException):
    """Ends a part of work whose result is no longer needed."""


def heed_stop() -> None:
    """End the work of this thread if another part of it has failed or was interrupted.

    Kernels call this every few ten thousand pixels. In the main thread the call also lets Python
    raise `KeyboardInterrupt`.
    """
    stop = getattr(_state, "stop", None)
    if stop is not None and stop.is_set():
        raise _Stopped


def in_threads(work: Callable[[int, int], _T], parts: int) -> list[_T]:
    """Return the results of ``work(part, parts)`` for each part, in order.

    Parameters
    ----------
    work : callable
        Releases the GIL for most of its time.
    parts : int
        At least 1; the calling thread runs the first.
    """
    if parts == 1 or _state.__dict__.get("is_part"):
        # Already inside a part: all threads may be busy, and waiting for one of them from within
        # could wait forever.
        return [work(part, parts) for part in range(parts)]

    stop = threading.Event()

    def as_part(part: int) -> _T:
        _state.is_part, _state.stop = True, stop
        try:
            heed_stop()
            return work(part, parts)
        finally:
            _state.is_part, _state.stop = False, None

    pool = _pool(os.getpid())
    others = [_submit(pool, as_part, part) for part in range(1, parts)]
    try:
        return [as_part(0), *(other.result() for other in others)]
    except BaseException:
        # The data of the other parts goes away with this call.
        stop.set()
        wait(others)
        raise


def in_threads_each(work: Callable[[_S], _T], items: Sequence[_S]) -> list[_T]:
    """Return the results of ``work(item)`` for each item, in order, from any thread.

    Parameters
    ----------
    work : callable
        Releases the GIL for most of its time.
    items : sequence
    """
    threads = min(thread_count(), len(items))
    if threads <= 1:
        return [work(item) for item in items]
    results: dict[int, _T] = {}
    numbers = iter(range(len(items)))

    def take(part: int, parts: int) -> None:
        # One at a time to any free thread, as items may differ in effort.
        for number in numbers:
            heed_stop()
            results[number] = work(items[number])

    try:
        in_threads(take, threads)
    except BaseException:
        # The rest is not needed: leave nothing for the other threads to take.
        for _ in numbers:
            pass
        raise
    return [results[number] for number in range(len(items))]


def in_groups(work: Callable[[_S], _T], items: Iterable[_S]) -> Iterator[_T]:
    """Yield the results of ``work(item)`` in order: `in_threads_each` for any number of items.

    Parameters
    ----------
    work : callable
        Releases the GIL for most of its time.
    items : iterable
        Taken in the calling thread, `GROUP` at a time, so that no more are in memory.
    """
    left = iter(items)
    while group := list(islice(left, GROUP)):
        yield from in_threads_each(work, group)


def in_turn(work: Callable[[_S], _T], items: Iterable[_S]) -> Iterator[_T]:
    """Yield the results of ``work(item)`` in order, taking items only as needed.

    Parameters
    ----------
    work : callable
        Releases the GIL for most of its time.
    items : iterable
        Taken in the calling thread. At most one item more than the number of threads is running or
        waiting at a time. An error of the iterable is raised after the results of earlier items.
    """
    threads = thread_count()
    if threads == 1 or _state.__dict__.get("is_part"):
        yield from map(work, items)
        return
    stop = threading.Event()
    pool = ThreadPoolExecutor(threads, "kmcodec", initializer=_become_part, initargs=(stop,))
    waiting: deque[Future[_T]] = deque()
    failure: Exception | None = None
    left = iter(items)
    try:
        while True:
            try:
                item = next(left)
            except StopIteration:
                break
            except Exception as error:
                failure = error
                break
            waiting.append(_submit(pool, work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure


def done_here(work: Callable[..., _T], *args: Any) -> Future[_T]:
    """Run work in the calling thread and return its future, where no thread can be started."""
    future: Future[_T] = Future()
    try:
        future.set_result(work(*args))
    except Exception as error:
        future.set_exception(error)
    return future


def _submit(pool: ThreadPoolExecutor, work: Callable[[_S], _T], item: _S) -> Future[_T]:
    try:
        return pool.submit(work, item)
    except RuntimeError:  # the interpreter is ending, or the system has no threads left
        return done_here(work, item)


def _become_part(stop: threading.Event) -> None:
    _state.is_part, _state.stop = True, stop


@functools.cache
def _pool(process: int) -> ThreadPoolExecutor:
    # One for each process: threads do not survive a fork.
    return ThreadPoolExecutor(max(1, thread_count() - 1), "kmcodec")
