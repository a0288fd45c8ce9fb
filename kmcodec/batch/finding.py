"""Expand paths, URLs and folders into a list of files."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kmcodec.errors import KmcInputError, reason_of, warn
from kmcodec.sources.images import is_image_name
from kmcodec.storage.door import STANDARD
from kmcodec.storage.urls import (
    are_same_urls,
    is_url,
    listing_fault,
    url_files,
    url_is_folder,
    url_with,
)

__all__ = ["Found", "JobError", "find_files", "is_folder"]

"""The path that stands for standard input or standard output."""


@dataclass(frozen=True)
class Found:
    """A source, and its subfolder below the given folder."""

    path: str
    folder: str = ""


class JobError(KmcInputError):
    """A source that cannot be processed, and why."""

    def __init__(self, message: str, source: str = "") -> None:
        super().__init__(message)
        self.source = source


def is_folder(name: str) -> bool:
    """Whether a path or URL is an existing folder.

    Raises
    ------
    KmcInputError
        If a URL cannot be queried.
    """
    return name != STANDARD and (url_is_folder(name) if is_url(name) else os.path.isdir(name))


def find_files(
    sources: Iterable[str], extension: str, *, out: str | None = None, recursive: bool
) -> Iterator[Found | JobError]:
    """Replace folders by the matching files in them, sorted by name.

    Parameters
    ----------
    sources : iterable of str
        Paths, URLs or `STANDARD`.
    extension : str
        File extension of the results: for ``.kmc`` take images, for any other ``.kmc`` files.
    out : str, optional
        A folder to leave out.
    recursive : bool
        See `plan`.

    Yields
    ------
    Found or JobError
        Each file once; an error for a folder or name that cannot be read or has no such files.

    Warns
    -----
    KmcWarning
        If files are reached more than once.
    """
    real = functools.cache(os.path.realpath)
    met: set[str] = set()
    again = 0
    for found in _expand(sources, extension, out, recursive):
        if isinstance(found, Found):
            folder, name = os.path.split(found.path)
            # Two links to one file have two names, so they give two results.
            key = found.path if is_url(found.path) else os.path.join(real(folder), name)
            if key in met:
                again += 1
                continue
            met.add(key)
        yield found
    if again:
        files = "a file is" if again == 1 else f"{again:,} files are"
        warn(f"{files} given more than once, processed once")


def _expand(
    sources: Iterable[str], extension: str, out: str | None, recursive: bool
) -> Iterator[Found | JobError]:
    for source in sources:
        if not source:
            yield JobError("'' is not a path", source)
            continue
        try:
            if not is_folder(source):
                yield Found(source)
                continue
            inside_of = _in_url if is_url(source) else _in_folder
            inside = list(inside_of(source, extension, recursive, out))
        except KmcInputError as error:
            yield JobError(str(error), source)
            continue
        if not inside:
            kind = ".kmc files" if extension != ".kmc" else "images"
            yield JobError(f"{source}: no {kind} in the folder", source)
        yield from inside


def _in_folder(
    source: str, extension: str, recursive: bool, out: str | None
) -> Iterator[Found | JobError]:
    """Yield the matching files of a folder, by name; an error for an unreadable folder."""
    unread: list[OSError] = []
    own = os.path.realpath(out) if out is not None else None
    for folder, folders, names in os.walk(source, onerror=unread.append):
        below = os.path.relpath(folder, source)
        for name in sorted(names):
            path = os.path.join(folder, name)
            # Opening a dangling link reports it. Links to a FIFO or a device are left out: reading
            # them may never end.
            if _fits(name, extension) and (os.path.isfile(path) or not os.path.exists(path)):
                yield Found(path, "" if below == os.curdir else below)
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and os.path.realpath(os.path.join(folder, name)) != own
        )
    for error in unread:
        yield JobError(f"{error.filename}: {reason_of(error)}", error.filename)


def _in_url(
    source: str, extension: str, recursive: bool, out: str | None
) -> Iterator[Found | JobError]:
    """Yield the matching files in a folder named by a URL; an error for an unsafe name."""
    own = out if out is not None and is_url(out) else None
    left_out: dict[str, bool] = {"": False}

    def is_left_out(folder: str) -> bool:
        unknown = []
        while folder not in left_out:
            unknown.append(folder)
            folder = folder.rpartition("/")[0]
        for below in reversed(unknown):
            above, _, name = below.rpartition("/")
            left_out[below] = (
                left_out[above]
                or name.startswith(".")
                or (own is not None and are_same_urls(url_with(source, below), own))
            )
        return left_out[unknown[0]] if unknown else left_out[folder]

    for below in url_files(source, recursive=recursive):
        folder, _, name = below.removeprefix("./").rpartition("/")
        if not _fits(name, extension):
            continue
        fault = listing_fault(below)
        if fault is not None:
            yield JobError(f"{source}: skipped the entry {below!r}: its name {fault}", source)
        elif not is_left_out(folder):
            yield Found(url_with(source, below), folder)


def _fits(name: str, extension: str) -> bool:
    if extension == ".kmc":
        return is_image_name(name)
    return name.lower().endswith(".kmc") and not name.startswith(".")
