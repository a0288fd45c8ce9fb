"""Open, read and replace files by path, URL or ``-``; all file access goes through here."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from kmcodec.errors import KmcError, KmcInputError, KmcLimitError, file_error
from kmcodec.storage.atomic import replace_file
from kmcodec.storage.streams import check_streamed, is_regular, read_bounded, read_some
from kmcodec.storage.urls import is_url, local_path, open_url, size_in_archive, write_url

__all__ = [
    "STANDARD",
    "file_errors",
    "input_name",
    "open_input",
    "open_path",
    "read_input",
    "write_output",
]

STANDARD = "-"
"""The name that stands for standard input or standard output."""


def input_name(path: str) -> str:
    """Return the name of an input file in messages."""
    return "standard input" if path == STANDARD else path or "''"


@contextmanager
def file_errors(name: str) -> Iterator[None]:
    """Add a file's name to the errors of a block.

    Parameters
    ----------
    name : str
        The file's name in messages.

    Raises
    ------
    KmcFileError
        For an OSError, with its number.
    KmcLimitError
        If the file is too large, or memory does not suffice.
    """
    try:
        yield
    except KmcLimitError as error:
        raise KmcLimitError(f"{name}: {error}") from error
    except (KmcError, BrokenPipeError):
        raise  # the reader of standard output has gone, which is no fault of the file
    except OSError as error:
        raise file_error(error, name) from error
    except MemoryError as error:
        raise KmcLimitError(f"{name}: not enough memory") from error


@contextmanager
def open_path(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file to read and seek in; errors of the block name it.

    Parameters
    ----------
    path : path-like
        Or a URL.

    Raises
    ------
    KmcFileError
        If it cannot be opened or read.
    KmcInputError
        If the path is empty or holds a zero character.
    KmcLimitError
        If a pipe or URL yields more than 512 MiB: a URL may name a file in an archive, which can
        compress zeros a thousandfold.
    """
    given = os.fspath(path)
    with file_errors(input_name(given)):
        _check_path(given)
        if is_url(given):
            # A file in an archive may expand a thousandfold.
            check_streamed(size_in_archive(given))
            with open_url(given) as stream:
                yield io.BytesIO(read_some(stream))
            return
        if os.path.isdir(given):
            # Windows would report missing permission.
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with open(given, "rb") as stream:
            # A FIFO can be read only once, and cannot seek.
            yield stream if is_regular(stream) else io.BytesIO(read_bounded(stream))


@contextmanager
def open_input(path: str) -> Iterator[IO[bytes]]:
    """Open a file as `open_path` does, or standard input."""
    if path != STANDARD:
        with open_path(path) as stream:
            yield stream
        return
    with file_errors(input_name(path)):
        yield io.BytesIO(read_bounded(sys.stdin.buffer))


def read_input(path: str, most: int = -1) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : str
        Also a URL, or ``-`` for standard input.
    most : int
        How many bytes to read; all if negative.

    Raises
    ------
    KmcFileError, KmcLimitError
        See `open_path`.
    """
    with open_input(path) as stream:
        return stream.read(most)


def write_output(
    path: str | os.PathLike[str], data: bytes | Iterable[bytes], *, create_only: bool = False
) -> None:
    """Write a file at once or not at all; or to standard output.

    Parameters
    ----------
    path : path-like
        Also a URL; ``-`` is standard output.
    data : bytes or iterable of bytes
        The whole file, or its parts, made during writing: an error in making one is raised, and
        nothing is written.
    create_only : bool
        Never replace a file, not even one that appears in the meantime.

    Raises
    ------
    KmcFileError
        If it cannot be written; an existing file is then untouched.
    BrokenPipeError
        If the reader of standard output has gone.
    """
    name = local_path(os.fspath(path))
    called = "standard output" if name == STANDARD else name or "''"
    parts = _Parts([data] if isinstance(data, bytes) else data)
    try:
        with file_errors(called):
            if is_url(name):
                write_url(name, parts, create_only=create_only)
            elif name == STANDARD:
                _print(parts)
            else:
                _replace(name, parts, create_only=create_only)
    except Exception:
        if parts.error is not None:
            raise parts.error from None
        raise


def _check_path(name: str) -> None:
    if not name or "\0" in name:
        raise KmcInputError(f"{name!r} is not a path")


def _print(parts: Iterable[bytes]) -> None:
    for part in parts:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _replace(name: str, parts: Iterable[bytes], *, create_only: bool) -> None:
    _check_path(name)
    try:
        replace_file(name, parts, create_only=create_only)
    except (FileNotFoundError, NotADirectoryError) as error:
        # The target may be missing, so the fault must be its folder.
        folder = os.path.dirname(name) or "."
        raise file_error(error, folder, "no such folder") from error


class _Parts:
    """Parts of a file, and the error of making one, kept apart from errors of writing."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        except Exception as error:
            self.error = error
            raise
