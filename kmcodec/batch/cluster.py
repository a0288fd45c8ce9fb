"""A Dask cluster as an executor (extra: dask)."""

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
"""What runs the work: an executor, a Dask client, or None for the calling thread."""

_R = TypeVar("_R")

# Seconds between two checks of the connection.
_LOOK = 0.5
# Seconds without a worker until a warning, and until the work fails.
_TOLD = 5.0
_GIVEN_UP = 120.0
# One in each worker process.
_turn = threading.Lock()


class ClusterExecutor(Executor):
    """Run work on the workers of a Dask cluster, which must see the same files.

    Functions that take an executor also take a client, and wrap it in one of these.

    Parameters
    ----------
    client : dask.distributed.Client
        Stays open; the caller closes it.

    Raises
    ------
    KmcInputError
        If the client is asynchronous or not connected; if no worker appears within 5 seconds;
        if a worker lacks kmcodec or has another version of it.

    Warns
    -----
    KmcWarning
        If work is pending and no worker has been connected for 5 seconds.

    Attributes
    ----------
    workers : int
        Number of worker processes at creation; others may join and take work too.

    Notes
    -----
    If a worker dies, another one repeats its work; after four deaths the work fails with
    `concurrent.futures.BrokenExecutor`. Work fails with `KmcError` after two minutes without a
    worker, or if a worker that joined later lacks kmcodec. The workers resolve paths: give
    absolute ones.
    """

    def __init__(self, client: Client) -> None:
        if client.asynchronous or client.status != "running":
            kind = "asynchronous" if client.asynchronous else client.status
            raise KmcInputError(f"the Dask client is {kind}, must be synchronous and running")
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
        """Pass on a result or a fault, unless one was passed on before."""
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
        """Fail pending work when the scheduler is gone, or all workers are gone for long.

        A client that loses its scheduler cancels all work it knows; work submitted meanwhile would
        never end.
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
            # With warnings turned into errors, this thread would lose the error.
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
    """Yield an executor unchanged, and for a client one that ends with the block."""
    # Imported if any client exists.
    distributed = sys.modules.get("distributed")
    if distributed is None or not isinstance(worker, distributed.Client):
        yield worker
        return
    executor = ClusterExecutor(worker)
    try:
        yield executor
    except BaseException:
        # The rest of the results is not needed.
        executor.shutdown(wait=False)
        raise
    executor.shutdown()


class _Call:
    """A function call that runs when it is unpickled.

    Dask only sees bytes for `pickle.loads`, which raises an error where kmcodec is missing. A
    worker that cannot unpickle its own work would end, and the next one after it.
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
    """Run one call at a time in a process, however many threads the worker has.

    Warnings are collected for the whole process, and the coder has threads of its own.
    """
    with _turn:
        return fn(*args, **kwargs)
