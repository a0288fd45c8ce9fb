"""Silence C libraries that write to standard error."""

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
    """Whether a file begins as TIFF or BigTIFF."""
    return data.startswith(_TIFF)


@contextmanager
def without_native_messages(wanted: bool = True) -> Iterator[None]:
    """Drop everything that a block writes to the file descriptor of standard error.

    libtiff prints faults of a file, and Pillow cannot stop it; errors are still raised. Output of
    other threads is lost too: keep blocks short.

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
    """Redirect standard error to nowhere; return a descriptor of its old target, or None."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.flush()
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:
        return None  # closed: nothing can be written to it
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(kept)
        return None
    os.dup2(nowhere, _STANDARD_ERROR)
    os.close(nowhere)
    return kept
