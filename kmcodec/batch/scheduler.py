"""Connect to the scheduler of a Dask cluster (extra: dask)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from kmcodec.batch.cluster import ClusterExecutor
from kmcodec.errors import KmcInputError

__all__ = ["connected"]

# Seconds to wait for an answer of the scheduler.
_PATIENCE = 5.0


@contextmanager
def connected(address: str) -> Iterator[ClusterExecutor]:
    """Yield the cluster of a scheduler as an executor.

    Parameters
    ----------
    address : str
        Address of the scheduler, such as ``tcp://scheduler:8786``.

    Raises
    ------
    KmcInputError
        If Dask is not installed, no scheduler answers, or no worker can do the work.
    KmcError
        If its workers do not answer.
    """
    try:
        from distributed import Client
    except ImportError:
        raise KmcInputError("--scheduler needs Dask: pip install 'kmcodec[dask]'") from None
    # Exceptions report failures; Dask's log would repeat them at length.
    for name in ("distributed", "distributed.client", "tornado.application", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # Greet first: closing a client that never connected raises errors.
        asyncio.run(_greet(address))
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, asyncio.TimeoutError) as error:
        raise KmcInputError(f"{address}: no Dask scheduler answered") from error
    with ExitStack() as stack:
        # Whether it answers or not.
        stack.callback(client.close, timeout=_PATIENCE)
        executor = ClusterExecutor(client)
        stack.callback(executor.shutdown, wait=False)
        yield executor


async def _greet(address: str) -> None:
    from distributed.comm import connect, get_address_host_port, normalize_address
    from distributed.security import Security

    address = normalize_address(address)
    if address.startswith(("tcp://", "tls://")):
        # Fails at once if nobody listens; `connect` would retry until its timeout.
        opening = asyncio.open_connection(*get_address_host_port(address, strict=True))
        _, stream = await asyncio.wait_for(opening, _PATIENCE)
        stream.close()
    arguments = Security().get_connection_args("client")
    greeted = await connect(address, timeout=_PATIENCE, **arguments)
    await greeted.close()
