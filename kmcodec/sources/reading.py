"""The bytes of what is read: a path, a URL or standard input."""

from __future__ import annotations

import os
import stat
import sys
from typing import IO

from kmcodec.atomic import reason_of
from kmcodec.errors import KmcInputError, KmcLimitError
from kmcodec.urls import is_url, open_url

# Bytes that a FIFO or a device may have: /dev/zero has no end.
_MOST_STREAMED = 1 << 29

__all__ = ["bytes_of"]


def bytes_of(path: str, name: str, most: int = -1) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : str
        Also a URL, or ``-`` for standard input.
    name : str
        What messages call it.
    most : int
        How many bytes at most are read; all if negative.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If it cannot be read; its cause is the error of the system.
    KmcLimitError
        If memory does not suffice, or what is no regular file has more than 512 MiB.
    """
    if not path:
        raise KmcInputError("'' is not a path")
    try:
        if path == "-":
            return _all_of(sys.stdin.buffer, name, most)
        if is_url(path):
            with open_url(path) as stream:
                return stream.read(most)
        if os.path.isdir(path):
            # Windows would call it a matter of permission.
            raise KmcInputError(f"{name}: is a folder")
        with open(path, "rb") as stream:
            return _all_of(stream, name, most)
    except OSError as error:
        raise KmcInputError(f"{name}: {reason_of(error)}") from error
    except MemoryError as error:
        raise KmcLimitError(f"{name}: too large for the memory there is") from error
    except ValueError as error:
        if isinstance(error, KmcInputError):
            raise
        raise KmcInputError(f"{name!r} is not a path") from error


def _all_of(stream: IO[bytes], name: str, most: int) -> bytes:
    if most >= 0 or _is_regular(stream):
        return stream.read(most)
    data = stream.read(_MOST_STREAMED + 1)
    if len(data) > _MOST_STREAMED:
        raise KmcLimitError(f"{name}: more than {_MOST_STREAMED:,} bytes, and no regular file")
    return data


def _is_regular(stream: IO[bytes]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # a stream in memory
        return True
