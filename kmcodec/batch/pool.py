"""The same work on many files: one after the other, or in several processes at a time.

Whatever has the interface of `concurrent.futures.Executor` can do the work, and so can a cluster:
work and items are pickled, and what comes of an item does not depend on the others.
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

# So many items for each worker are under way or wait: enough that none runs dry.
_AHEAD = 3
# Seconds that a worker gets to tidy up when the work is broken off.
_GRACE = 10.0


@dataclass(frozen=True)
class Done(Generic[_R]):
    """What came of an item.

    Parameters
    ----------
    value
        What the work returned; None if there is an error.
    error : KmcError or None
    notes : tuple of Warning
        What the work warned of.
    """

    value: _R | None
    error: KmcError | None
    notes: tuple[Warning, ...]

    def result(self) -> _R:
        """What the work returned; its warnings are given, and its error is raised."""
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
    """Do the same work on each item; one that fails stops no other.

    Parameters
    ----------
    work : callable
        Raises `KmcError` if it cannot be done. For an executor of other processes it can be
        pickled, such as `functools.partial` of a function of a module.
    items : iterable
        Likewise; taken as they are needed. An error stands for what cannot be done.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Who does it; the calling thread if not given. Processes that do one item at a time each:
        threads of one process would collect each other's warnings.
    workers : int, optional
        How many items the executor does at a time, about; its attribute of that name, or 1, if
        not given.

    Yields
    ------
    Done
        For each item, in order.
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
        # A worker was killed, and took the work of the others with it. Who was it? Each alone.
        again = deque([(item, _alone(work, item, executor))])
        for item, future in waiting:
            broken = isinstance(future.exception(), BrokenExecutor)
            again.append((item, _alone(work, item, executor) if broken else future))
        waiting.clear()
        waiting.extend(again)
        return waiting.popleft()[1].result()


def _alone(work: Callable[[_T], _R], item: _T, executor: Executor) -> Future[Done[_R]]:
    """The work on an item done while nothing else is."""
    future = executor.submit(_attempt, work, item)
    if not isinstance(future.exception(), BrokenExecutor):
        return future
    gone: Future[Done[_R]] = Future()
    reason = "the process that worked on it was killed (out of memory?)"
    gone.set_result(Done(None, KmcLimitError(f"{_name_of(item)}: {reason}"), ()))
    return gone


class LocalPool(Executor):
    """Processes of this machine, which end with the one that started them, however that ends.

    Parameters
    ----------
    workers : int

    Notes
    -----
    As everywhere with `multiprocessing`, a script that uses it does its work below
    ``if __name__ == "__main__":``. After a worker was killed, new ones are started.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._others = set(multiprocessing.active_children())
        self._pool: ProcessPoolExecutor | None = None
        with contextlib.suppress(RuntimeError):  # where the interpreter is ending, see `submit`
            self._processes()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        with _interrupts_blocked(), contextlib.suppress(RuntimeError):
            try:
                return self._processes().submit(_run, fn, *args, **kwargs)
            except BrokenExecutor:
                self._pool = None
                return self._processes().submit(_run, fn, *args, **kwargs)
        # The interpreter is ending: no process is started any more.
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

        # A fork of this process would have its locks, but not the threads that hold them.
        ways = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
        threads = max(1, thread_count() // self.workers)
        return ProcessPoolExecutor(self.workers, context, _begin, (threads,))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let processes that are started here inherit that they do not hear of Ctrl-C.

    A terminal sends it to all; what becomes of the work is for the first process to say.
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
    # Between one piece of work and the next there is nothing to tidy up.
    try:
        signal.signal(signal.SIGTERM, _end)
        return fn(*args, **kwargs)
    except SystemExit as ended:
        # The executor would take it for the outcome of this work, and go on with the next.
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
