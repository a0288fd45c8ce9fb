"""Whether a Dask cluster has workers, and whether they have what the work takes (extra: dask)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmcodec._version import __version__
from kmcodec.errors import KmcError, KmcInputError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["address_of", "checked_workers", "what_is_missing"]

# Seconds in which a first worker has to be there, and a scheduler or workers have to answer.
_PATIENCE = 5.0
_ANSWER = 30.0
# Sent as a text: a function of this package could not be unpickled where the package is missing,
# and a worker that cannot unpickle ends.
_VERSION = "__import__('kmcodec').__version__"


def address_of(client: Client) -> str:
    """Of the scheduler, such as ``tcp://scheduler:8786``."""
    return str(getattr(client.scheduler, "address", ""))


def checked_workers(client: Client) -> int:
    """How many workers there are; each of them has this version of kmcodec.

    Parameters
    ----------
    client : dask.distributed.Client
        Connected, and not asynchronous.

    Raises
    ------
    KmcInputError
        If there is none within 5 seconds, or one has no kmcodec or another version.
    KmcError
        If the workers do not answer within 30 seconds.
    """
    import asyncio  # here, as it is slow to import

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
        # Any other error is that of a worker that has just gone.
        if not isinstance(version, Exception) and version != __version__:
            raise KmcInputError(
                f"worker {worker}: has kmcodec {version}, but this is {__version__}"
            )
    return len(versions)


def what_is_missing(client: Client) -> str | None:
    """Why no work can get done now: in words, or None if there is a worker."""
    try:
        told = client.sync(client.scheduler.identity, n_workers=1, callback_timeout=_ANSWER)
    except Exception:  # whatever it is, a scheduler that is gone is for others to tell
        return "the scheduler does not answer"
    return None if told["workers"] else "no worker is there"
