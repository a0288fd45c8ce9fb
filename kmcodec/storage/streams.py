"""Reading what may have no end: standard input, FIFOs and devices."""

from __future__ import annotations

import os
import stat
from typing import IO

from kmcodec.errors import KmcLimitError

__all__ = ["check_streamed", "is_regular", "read_bounded", "read_some"]

# /dev/zero has no end, and neither has a pipe from `yes`.
_MOST_STREAMED = 1 << 29


def read_bounded(stream: IO[bytes]) -> bytes:
    """All bytes of a file; of what is no regular file at most 512 MiB.

    Raises
    ------
    KmcLimitError
        If there are more.
    """
    return stream.read() if is_regular(stream) else read_some(stream)


def read_some(stream: IO[bytes]) -> bytes:
    """All bytes of what may have no end, or may be packed a thousandfold: at most 512 MiB.

    Raises
    ------
    KmcLimitError
        If there are more.
    """
    data = stream.read(_MOST_STREAMED + 1)
    check_streamed(len(data))
    return data


def check_streamed(size: int) -> None:
    """Refuse what is larger than `read_some` reads.

    Raises
    ------
    KmcLimitError
    """
    if size > _MOST_STREAMED:
        raise KmcLimitError(f"more than {_MOST_STREAMED:,} bytes, and not a regular file")


def is_regular(stream: IO[bytes]) -> bool:
    """Whether a stream is a file whose size is known, or is in memory."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return True
