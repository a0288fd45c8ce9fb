"""Run the same work on many files: one after the other, or in several processes at a time.

Any `concurrent.futures.Executor` can run the work, and so can a cluster: work and items are
picklable, and the result of an item does not depend on the others.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, cast

from kmcodec.batch.cluster import Worker, executor_of
from kmcodec.errors import KmcError, KmcLimitError, warn
from kmcodec.parallel import done_here, thread_count

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

__all__ = ["Done", "LocalPool", "run_each"]

_T = TypeVar("_T")
_R = TypeVar("_R")

# Items running or queued for each worker: enough that none runs dry.
_AHEAD = 3
# Seconds for a worker to clean up when the work is cancelled.
_GRACE = 10.0


@dataclass(frozen=True)
class Done(Generic[_R]):
    """The result of an item.

    Parameters
    ----------
    value
        The work's return value; None after an error.
    error : KmcError or None
    notes : tuple of Warning
        Warnings of the work.
    """

    value: _R | None
    error: KmcError | None
    notes: tuple[Warning, ...]

    def result(self) -> _R:
        """Return the work's value; issue its warnings, and raise its error."""
        for warning in self.notes:
            warn(warning)
        if self.error is not None:
            raise self.error
        return cast("_R", self.value)


def run_each(
    work: Callable[[_T], _R],
    items: Iterable[_T],
    executor: Worker = None,
    *,
    workers: int | None = None,
) -> Iterator[Done[_R]]:
    """Run the same work on each item; a failing item stops no other.

    Parameters
    ----------
    work : callable
        Raises `KmcError` on failure. For an executor of other processes it must be picklable, such
        as `functools.partial` of a module's function.
    items : iterable
        Picklable likewise; taken as needed. An error stands for an item that cannot be processed.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Runs the work; the calling thread if not given. Each of its processes must run one item at
        a time: threads of one process would collect each other's warnings.
    workers : int, optional
        Roughly how many items the executor runs at a time; by default its attribute of that name,
        or 1.

    Yields
    ------
    Done
        One for each item, in order.
    """
    with executor_of(executor) as doing:
        if doing is None:
            yield from (_attempt(work, item) for item in items)
        else:
            yield from _submitted(work, items, doing, workers)


def _submitted(
    work: Callable[[_T], _R], items: Iterable[_T], executor: Executor, workers: int | None
) -> Iterator[Done[_R]]:
    ahead = _AHEAD * (workers or int(getattr(executor, "workers", 1)))
    waiting: deque[tuple[_T, Future[Done[_R]]]] = deque()
    for item in items:
        waiting.append((item, executor.submit(_attempt, work, item)))
        if len(waiting) >= ahead:
            yield _result_of(work, waiting, executor)
    while waiting:
        yield _result_of(work, waiting, executor)


def _attempt(work: Callable[[_T], _R], item: _T) -> Done[_R]:
    if isinstance(item, KmcError):
        return Done(None, item, ())
    value, error = None, None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = work(item)
        except KmcError as raised:
            error = raised
        except MemoryError:
            error = KmcLimitError(f"{_name_of(item)}: not enough memory")
    notes = (w.message for w in caught if isinstance(w.message, UserWarning))
    return Done(value, error, tuple(notes))


def _name_of(item: object) -> str:
    return str(getattr(item, "source", item))


def _result_of(
    work: Callable[[_T], _R],
    waiting: deque[tuple[_T, Future[Done[_R]]]],
    executor: Executor,
) -> Done[_R]:
    item, future = waiting.popleft()
    try:
        return future.result()
    except BrokenExecutor:
        # A killed worker takes the work of all others with it: run each item alone to find it.
        again = deque([(item, _alone(work, item, executor))])
        for item, future in waiting:
            broken = isinstance(future.exception(), BrokenExecutor)
            again.append((item, _alone(work, item, executor) if broken else future))
        waiting.clear()
        waiting.extend(again)
        return waiting.popleft()[1].result()


def _alone(work: Callable[[_T], _R], item: _T, executor: Executor) -> Future[Done[_R]]:
    """Run the work on an item while nothing else runs."""
    future = executor.submit(_attempt, work, item)
    if not isinstance(future.exception(), BrokenExecutor):
        return future
    gone: Future[Done[_R]] = Future()
    reason = "the process that worked on it was killed (out of memory?)"
    gone.set_result(Done(None, KmcLimitError(f"{_name_of(item)}: {reason}"), ()))
    return gone


class LocalPool(Executor):
    """Local processes, which end when the process that started them ends in any way.

    Parameters
    ----------
    workers : int

    Notes
    -----
    As always with `multiprocessing`, a script must do its work below
    ``if __name__ == "__main__":``. New workers replace killed ones.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._others = set(multiprocessing.active_children())
        self._pool: ProcessPoolExecutor | None = None
        with contextlib.suppress(RuntimeError):  # the interpreter is ending, see `submit`
            self._processes()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        with _interrupts_blocked(), contextlib.suppress(RuntimeError):
            try:
                return self._processes().submit(_run, fn, *args, **kwargs)
            except BrokenExecutor:
                self._pool = None
                return self._processes().submit(_run, fn, *args, **kwargs)
        # The interpreter is ending: it can start no more processes.
        return done_here(functools.partial(fn, **kwargs), *args)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        if self._pool is not None:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is None:
            self.shutdown()
        else:
            self._break_off()

    def _break_off(self) -> None:
        self.shutdown(wait=False, cancel_futures=True)
        children = set(multiprocessing.active_children()) - self._others
        for child in children:
            child.terminate()
        for child in children:
            child.join(_GRACE)
            if child.is_alive():
                child.kill()

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = self._new_pool()
        return self._pool

    def _new_pool(self) -> ProcessPoolExecutor:
        from concurrent.futures import ProcessPoolExecutor

        # A fork would copy this process's locks, but not the threads that hold them.
        ways = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
        threads = max(1, thread_count() // self.workers)
        return ProcessPoolExecutor(self.workers, context, _begin, (threads,))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let processes started in the block inherit that Ctrl-C is blocked.

    A terminal sends Ctrl-C to all processes, but only the first one may stop the work.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(threads: int) -> None:
    """Prepare a worker."""
    os.environ["KMC_THREADS"] = str(threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _run(fn: Callable[..., _R], *args: Any, **kwargs: Any) -> _R:
    # Between two pieces of work nothing needs cleaning up.
    try:
        signal.signal(signal.SIGTERM, _end)
        return fn(*args, **kwargs)
    except SystemExit as ended:
        # The executor would take it for the result of this work, and run the next.
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, frame: object) -> NoReturn:
    # Through every `finally`, so that no temporary file is left.
    sys.exit(128 + number)


def _end_with_parent() -> None:
    from multiprocessing import connection

    parent, main = multiprocessing.parent_process(), threading.main_thread().ident
    if parent is None or main is None:
        return
    connection.wait([parent.sentinel])
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(main, signal.SIGTERM)
    else:
        os._exit(128 + signal.SIGTERM)
