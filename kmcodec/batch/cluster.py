"""The processes of a Dask cluster as an executor (extra: dask)."""

from __future__ import annotations

import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from kmcodec.batch.cluster_workers import address_of, checked_workers, what_is_missing
from kmcodec.errors import KmcError, KmcInputError, KmcWarning, warn

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ClusterExecutor", "Worker", "executor_of"]

Worker: TypeAlias = "Executor | Client | None"
"""Who does work: an executor, the client of a Dask cluster, or None for the calling thread."""

_R = TypeVar("_R")

# Seconds between two looks whether it is still there.
_LOOK = 0.5
# Seconds without a worker after which that is told, and after which work is given up.
_TOLD = 5.0
_GIVEN_UP = 120.0
# One for each process that does work.
_turn = threading.Lock()


class ClusterExecutor(Executor):
    """Has work done by the workers of a Dask cluster, which see the same files.

    What takes an executor takes a client too, and makes one of these for as long as it works.

    Parameters
    ----------
    client : dask.distributed.Client
        Stays open; it is for the caller to close.

    Raises
    ------
    KmcInputError
        If the client is asynchronous, or is not connected; if there is no worker within 5 seconds,
        or one has no kmcodec or another version of it.

    Warns
    -----
    KmcWarning
        If there has been work, and no worker to do it, for 5 seconds.

    Attributes
    ----------
    workers : int
        How many processes there were when it was made; others may join, and do work too.

    Notes
    -----
    Work whose worker dies is done again by another; if four die of it, it fails with
    `concurrent.futures.BrokenExecutor`. Where no worker has been there for two minutes, work fails
    with `KmcError`, as it does where a worker that joined later has no kmcodec. Paths are those
    of the workers: give absolute ones.
    """

    def __init__(self, client: Client) -> None:
        if client.asynchronous or client.status != "running":
            kind = "asynchronous" if client.asynchronous else client.status
            raise KmcInputError(f"the Dask client is {kind}, must be connected")
        self.workers = checked_workers(client)
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._address = address_of(client)
        self._pending: set[Future[Any]] = set()
        self._guard = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        from distributed.protocol.pickle import dumps

        call = dumps(_Call(fn, args, kwargs))
        outcome: Future[Any] = Future()
        outcome.set_running_or_notify_cancel()
        try:
            work = self._executor.submit(pickle.loads, call)
        except Exception as error:
            raise self._lost() from error
        with self._guard:
            self._pending.add(outcome)
        work.add_done_callback(lambda done: self._end(outcome, _fault_of(done), done))
        return outcome

    def _end(
        self, outcome: Future[Any], fault: BaseException | None, done: Future[Any] | None
    ) -> None:
        """Hand on a result or a fault, unless one was handed on before."""
        with self._guard:
            if outcome not in self._pending:
                return
            self._pending.remove(outcome)
        if isinstance(fault, CancelledError):
            fault = self._lost()
        if fault is not None:
            outcome.set_exception(fault)
        elif done is not None:
            outcome.set_result(done.result())

    def _watch(self) -> None:
        """Give up what is pending when the scheduler is gone, or all workers are for long.

        A client that loses its scheduler cancels what it knows of by then; what is submitted while
        it does so would never end.
        """
        missed, since, told = 0, time.monotonic(), False
        while not self._ended.wait(_LOOK):
            missed = 0 if self._client.status == "running" else missed + 1
            if missed > 1:
                self._give_up(self._lost())
            missing = what_is_missing(self._client) if self._pending and not missed else None
            if missing is None:
                since, told = time.monotonic(), False
            absent = time.monotonic() - since
            if absent > _TOLD and not told:
                told = True
                self._note(f"{self._address}: {missing}; waiting, for {_GIVEN_UP:.0f} s at most")
            if absent > _GIVEN_UP:
                self._give_up(KmcError(f"{self._address}: {missing}, for {absent:.0f} s now"))

    def _note(self, words: str) -> None:
        try:
            warn(words)
        except KmcWarning as error:
            # Warnings are errors there, but nobody would hear of one in this thread.
            self._give_up(error)

    def _give_up(self, fault: Exception) -> None:
        for outcome in list(self._pending):
            self._end(outcome, fault, None)

    def _lost(self) -> KmcError:
        return KmcError(f"{self._address}: the connection to the scheduler was lost")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        self._executor.shutdown(wait and self._client.status == "running")
        self._ended.set()


@contextmanager
def executor_of(worker: Worker) -> Iterator[Executor | None]:
    """An executor as it is; for a client one of its cluster, which ends with the block."""
    # Who has a client has imported this.
    distributed = sys.modules.get("distributed")
    if distributed is None or not isinstance(worker, distributed.Client):
        yield worker
        return
    executor = ClusterExecutor(worker)
    try:
        yield executor
    except BaseException:
        # Nobody wants the rest any more.
        executor.shutdown(wait=False)
        raise
    executor.shutdown()


class _Call:
    """A call that is made where it is unpickled.

    To Dask the work is a text that `pickle` reads: where kmcodec is missing that is an error, while
    a worker that cannot unpickle its work itself ends, and the next one after it.
    """

    def __init__(
        self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._call = (fn, args, kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        return _in_turn, self._call


def _fault_of(done: Future[Any]) -> BaseException | None:
    from distributed import KilledWorker

    try:
        fault = done.exception()
    except CancelledError as error:
        return error
    if isinstance(fault, ModuleNotFoundError) and str(fault.name).startswith("kmcodec"):
        return KmcError(f"a worker that joined later has another kmcodec ({fault})")
    return BrokenExecutor(str(fault)) if isinstance(fault, KilledWorker) else fault


def _in_turn(fn: Callable[..., _R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _R:
    """Do one thing at a time in a process, whatever number of threads the worker has.

    Warnings are collected by process, and the threads of the coder are enough.
    """
    with _turn:
        return fn(*args, **kwargs)
