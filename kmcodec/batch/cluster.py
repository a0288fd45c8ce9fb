"""The processes of a Dask cluster as an executor (extra: dask)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from kmcodec.errors import KmcError, KmcInputError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ClusterExecutor", "Worker", "executor_of"]

Worker: TypeAlias = "Executor | Client | None"
"""Who does work: an executor, the client of a Dask cluster, or None for the calling thread."""

_R = TypeVar("_R")

# Seconds between two looks whether it is still there.
_LOOK = 0.5
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
        If the client is asynchronous, or is not connected.

    Attributes
    ----------
    workers : int
        How many processes there were when it was made; others may join, and do work too.

    Notes
    -----
    Work whose worker dies is done again by another; if four die of it, it fails with
    `concurrent.futures.BrokenExecutor`. Paths are those of the workers: give absolute ones.
    """

    def __init__(self, client: Client) -> None:
        if client.asynchronous or client.status != "running":
            kind = "asynchronous" if client.asynchronous else client.status
            raise KmcInputError(f"work is done by a client that is connected, this one is {kind}")
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._address = getattr(client.scheduler, "address", "")
        self._pending: set[Future[Any]] = set()
        self._guard = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        self.workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        outcome: Future[Any] = Future()
        outcome.set_running_or_notify_cancel()
        try:
            work = self._executor.submit(_in_turn, fn, args, kwargs)
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
        """Give up what is pending when the scheduler is gone.

        A client that loses its scheduler cancels what it knows of by then; what is submitted while
        it does so would never end.
        """
        missed = 0
        while not self._ended.wait(_LOOK):
            missed = 0 if self._client.status == "running" else missed + 1
            if missed > 1:
                for outcome in list(self._pending):
                    self._end(outcome, self._lost(), None)

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


def _fault_of(done: Future[Any]) -> BaseException | None:
    from distributed import KilledWorker

    try:
        fault = done.exception()
    except CancelledError as error:
        return error
    return BrokenExecutor(str(fault)) if isinstance(fault, KilledWorker) else fault


def _in_turn(fn: Callable[..., _R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _R:
    """Do one thing at a time in a process, whatever number of threads the worker has.

    Warnings are collected by process, and the threads of the coder are enough.
    """
    with _turn:
        return fn(*args, **kwargs)
