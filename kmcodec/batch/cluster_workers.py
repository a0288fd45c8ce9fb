"""Check that a Dask cluster has workers and that they have this kmcodec (extra: dask)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmcodec._version import __version__
from kmcodec.errors import KmcError, KmcInputError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["address_of", "checked_workers", "what_is_missing"]

# Seconds to wait for a first worker, and for answers of the scheduler or workers.
_PATIENCE = 5.0
_ANSWER = 30.0
# Sent as text: a worker without this package could not unpickle one of its functions, and would
# end.
_VERSION = "__import__('kmcodec').__version__"


def address_of(client: Client) -> str:
    """Return the scheduler's address, such as ``tcp://scheduler:8786``."""
    return str(getattr(client.scheduler, "address", ""))


def checked_workers(client: Client) -> int:
    """Count the workers, and check that each has this version of kmcodec.

    Parameters
    ----------
    client : dask.distributed.Client
        Connected, and not asynchronous.

    Raises
    ------
    KmcInputError
        If none appears within 5 seconds, or one lacks kmcodec or has another version.
    KmcError
        If the workers do not answer within 30 seconds.
    """
    import asyncio  # slow to import

    address = address_of(client)
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except (TimeoutError, asyncio.TimeoutError):
        raise KmcInputError(f"{address}: the scheduler has no workers; start one first") from None
    try:
        versions = client.run(eval, _VERSION, on_error="return", callback_timeout=_ANSWER)
    except (TimeoutError, asyncio.TimeoutError):
        raise KmcError(f"{address}: the workers did not answer within {_ANSWER:.0f} s") from None
    for worker, version in versions.items():
        if isinstance(version, ImportError):
            raise KmcInputError(
                f"worker {worker}: kmcodec is not installed on this worker ({version})"
            )
        # Any other error comes from a worker that has just gone.
        if not isinstance(version, Exception) and version != __version__:
            raise KmcInputError(
                f"worker {worker}: has kmcodec {version}, but this is {__version__}"
            )
    return len(versions)


def what_is_missing(client: Client) -> str | None:
    """Say why no work can run now; None if a worker is available."""
    try:
        told = client.sync(client.scheduler.identity, n_workers=1, callback_timeout=_ANSWER)
    except Exception:  # `_watch` reports a lost scheduler
        return "the scheduler does not answer"
    return None if told["workers"] else "no worker is connected"
