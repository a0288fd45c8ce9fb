"""The bytes of what is read: a path, a URL or standard input."""

from __future__ import annotations

import os
import sys
from typing import IO

from kmcodec.atomic import reason_of
from kmcodec.errors import KmcInputError, KmcLimitError
from kmcodec.streams import check_streamed, read_bounded, read_some
from kmcodec.urls import is_url, open_url, size_in_archive

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
        If memory does not suffice, or what is no regular file has more than 512 MiB: a pipe, or
        a URL, which may be of a file in an archive that packs zeros a thousandfold.
    """
    if not path:
        raise KmcInputError("'' is not a path")
    try:
        if path == "-":
            return _up_to(most, sys.stdin.buffer)
        if is_url(path):
            if most < 0:
                # In an archive a file may be a thousand times as large as what there is of it.
                check_streamed(size_in_archive(path))
            with open_url(path) as stream:
                return stream.read(most) if most >= 0 else read_some(stream)
        if os.path.isdir(path):
            # Windows would call it a matter of permission.
            raise KmcInputError(f"{name}: is a folder")
        with open(path, "rb") as stream:
            return _up_to(most, stream)
    except OSError as error:
        raise KmcInputError(f"{name}: {reason_of(error)}") from error
    except KmcLimitError as error:
        raise KmcLimitError(f"{name}: {error}") from error
    except MemoryError as error:
        raise KmcLimitError(f"{name}: too large for the memory there is") from error
    except ValueError as error:
        if isinstance(error, KmcInputError):
            raise
        raise KmcInputError(f"{name!r} is not a path") from error


def _up_to(most: int, stream: IO[bytes]) -> bytes:
    return stream.read(most) if most >= 0 else read_bounded(stream)
