"""Files named by URLs, through fsspec (extra: remote)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from kmcodec.errors import KmcError, KmcInputError

__all__ = ["is_url", "open_url", "url_exists", "url_with", "write_url"]


def is_url(name: str) -> bool:
    """Whether a name is a URL (``s3://bucket/a.png``) and no path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.\-]+://", name) is not None


def url_with(folder: str, name: str) -> str:
    """The URL of a file in a folder."""
    return posixpath.join(folder, name.replace("\\", "/"))


@contextmanager
def open_url(url: str) -> Iterator[IO[bytes]]:
    """Open a file for reading.

    Raises
    ------
    KmcInputError
        If it cannot be opened or read, or fsspec is not there or does not know such URLs.
    """
    with _told(url):
        system, path = _system(url)
        with system.open(path, "rb") as stream:
            yield stream


def url_exists(url: str) -> bool:
    """Whether there is such a file.

    Raises
    ------
    KmcInputError
        See `open_url`.
    """
    with _told(url):
        system, path = _system(url)
        return bool(system.exists(path))


def write_url(url: str, parts: Iterable[bytes], *, create_only: bool) -> None:
    """Write a file, which appears as a whole or not at all, as far as its file system can do so.

    Parameters
    ----------
    url : str
    parts : iterable of bytes
    create_only : bool
        Refuse to replace a file.

    Raises
    ------
    KmcInputError
        See `open_url`; or if it is there already.
    """
    with _told(url):
        system, path = _system(url)
        if create_only and system.exists(path):
            raise KmcInputError(f"{url}: exists already")
        system.makedirs(posixpath.dirname(path), exist_ok=True)
        with system.transaction, system.open(path, "wb") as stream:
            for part in parts:
                stream.write(part)


def _system(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise KmcInputError(f"{url}: URLs need fsspec (pip install 'kmcodec[remote]')") from None
    return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Errors of whatever file system, each in a line with the URL."""
    try:
        yield
    except KmcError:
        raise
    except FileNotFoundError as error:
        raise KmcInputError(f"{url}: no such file") from error
    except Exception as error:
        # Each file system has its own.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise KmcInputError(f"{url}: {reason}") from error
