"""The processes of a Dask cluster as an executor (extra: dask)."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from kmcodec.errors import KmcError, KmcInputError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ClusterExecutor", "connected"]

_R = TypeVar("_R")

# Seconds in which a scheduler has to answer.
_PATIENCE = 5.0
# One for each process that does work.
_turn = threading.Lock()


class ClusterExecutor(Executor):
    """Has work done by the workers of a Dask cluster, which see the same files.

    Parameters
    ----------
    client : dask.distributed.Client
        Stays open; it is for the caller to close.

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
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._address = getattr(client.scheduler, "address", "")
        self.workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `concurrent.futures.Executor`."""
        outcome: Future[Any] = Future()
        outcome.set_running_or_notify_cancel()

        def hand_on(done: Future[Any]) -> None:
            from distributed import KilledWorker

            try:
                outcome.set_result(done.result())
            except KilledWorker as error:
                outcome.set_exception(BrokenExecutor(str(error)))
            except CancelledError:
                outcome.set_exception(self._lost())
            except Exception as error:
                outcome.set_exception(error)

        try:
            work = self._executor.submit(_in_turn, fn, args, kwargs)
        except Exception as error:
            raise self._lost() from error
        # A client that loses its scheduler says so first, and then cancels what it knows of: what
        # came in between would never end.
        if self._client.status != "running":
            raise self._lost()
        work.add_done_callback(hand_on)
        return outcome

    def _lost(self) -> KmcError:
        return KmcError(f"{self._address}: the connection to the scheduler was lost")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `concurrent.futures.Executor`."""
        self._executor.shutdown(wait)


def _in_turn(fn: Callable[..., _R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _R:
    """Do one thing at a time in a process, whatever number of threads the worker has.

    Warnings are collected by process, and the threads of the coder are enough.
    """
    with _turn:
        return fn(*args, **kwargs)


@contextmanager
def connected(address: str) -> Iterator[ClusterExecutor]:
    """The cluster of a scheduler.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    KmcInputError
        If there is no Dask, or no scheduler that answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise KmcInputError("a scheduler needs Dask: pip install 'kmcodec[dask]'") from None
    # What goes wrong is told by exceptions; its log would tell it once more, at length.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # Asked beforehand: a client that was never connected cannot be closed in peace.
        asyncio.run(_greet(address))
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, asyncio.TimeoutError) as error:
        raise KmcInputError(f"{address}: no Dask scheduler answers there") from error
    with client:
        yield ClusterExecutor(client)


async def _greet(address: str) -> None:
    from distributed.comm import connect, get_address_host_port, normalize_address
    from distributed.security import Security

    address = normalize_address(address)
    if address.startswith(("tcp://", "tls://")):
        # Told at once if nobody listens; `connect` would try again and again.
        opening = asyncio.open_connection(*get_address_host_port(address, strict=True))
        _, stream = await asyncio.wait_for(opening, _PATIENCE)
        stream.close()
    arguments = Security().get_connection_args("client")
    greeted = await connect(address, timeout=_PATIENCE, **arguments)
    await greeted.close()
