"""Read streams that may never end: standard input, FIFOs and devices."""

from __future__ import annotations

import os
import stat
from typing import IO

from kmcodec.errors import KmcLimitError

__all__ = ["check_streamed", "is_regular", "read_bounded", "read_some"]

# /dev/zero never ends, nor does a pipe from `yes`.
_MOST_STREAMED = 1 << 29


def read_bounded(stream: IO[bytes]) -> bytes:
    """Read all bytes of a file; of a pipe or device at most 512 MiB.

    Raises
    ------
    KmcLimitError
        If it has more.
    """
    return stream.read() if is_regular(stream) else read_some(stream)


def read_some(stream: IO[bytes]) -> bytes:
    """Read all bytes of a stream that may be endless or highly compressed, at most 512 MiB.

    Raises
    ------
    KmcLimitError
        If it has more.
    """
    data = stream.read(_MOST_STREAMED + 1)
    check_streamed(len(data))
    return data


def check_streamed(size: int) -> None:
    """Refuse a size larger than `read_some` reads.

    Raises
    ------
    KmcLimitError
    """
    if size > _MOST_STREAMED:
        raise KmcLimitError(f"more than {_MOST_STREAMED:,} bytes, and not a regular file")


def is_regular(stream: IO[bytes]) -> bool:
    """Whether a stream is a regular file or in memory."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return True
