"""C libraries that write on standard error by themselves."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["is_tiff", "without_native_messages"]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_STANDARD_ERROR = 2


def is_tiff(data: bytes) -> bool:
    """Whether a file begins as TIFF and BigTIFF do."""
    return data.startswith(_TIFF)


@contextmanager
def without_native_messages(wanted: bool = True) -> Iterator[None]:
    """Drop what is written to the file descriptor of standard error within a block.

    libtiff prints what is wrong with a file, and Pillow offers no way to stop it; an error is
    raised all the same. What other threads write there meanwhile is lost too: keep blocks short.

    Parameters
    ----------
    wanted : bool
        Whether to do so.
    """
    kept = _redirected() if wanted else None
    try:
        yield
    finally:
        if kept is not None:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)


def _redirected() -> int | None:
    """Send standard error to nowhere; the descriptor of where it went before, if that was done."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.flush()
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:
        return None  # it is closed: nothing can be written there
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(kept)
        return None
    os.dup2(nowhere, _STANDARD_ERROR)
    os.close(nowhere)
    return kept
