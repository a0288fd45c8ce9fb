"""Read and write files by URL, through fsspec (extra: remote)."""

from __future__ import annotations

import errno
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from kmcodec.errors import KmcError, KmcInputError, file_error

__all__ = [
    "are_same_urls",
    "is_url",
    "listing_fault",
    "local_path",
    "open_url",
    "size_in_archive",
    "url_beside",
    "url_exists",
    "url_files",
    "url_is_folder",
    "url_name",
    "url_with",
    "write_url",
]

# Joins the URL of a file in an archive with that of the archive.
_CHAIN = "::"


def is_url(name: str) -> bool:
    """Whether a name is a URL (``s3://bucket/a.png``) and not a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.\-]+://", name) is not None


def local_path(name: str) -> str:
    """Return the path of a local URL (``file://``, ``local://``); other names unchanged."""
    match = re.match(r"(?:file|local)://", name)
    if match is None or _CHAIN in name:
        return name
    path = name[match.end() :]
    # file:///C:/a.png
    return path[1:] if os.name == "nt" and re.match(r"/[A-Za-z]:", path) else path


def url_name(url: str) -> str:
    """Return the file name in a URL: that of a file in an archive, not of the archive."""
    return posixpath.basename(url.partition(_CHAIN)[0])


def url_with(folder: str, name: str) -> str:
    """Return the URL of a file in a folder."""
    own, *archives = folder.split(_CHAIN)
    return _CHAIN.join([posixpath.join(own, name.replace("\\", "/")), *archives])


def url_beside(url: str, name: str) -> str:
    """Return the URL of a file in the same folder as another."""
    own, *archives = url.split(_CHAIN)
    return _CHAIN.join([own[: own.rindex("/") + 1] + name, *archives])


def are_same_urls(one: str, other: str) -> bool:
    """Whether two URLs name the same file.

    Raises
    ------
    KmcInputError
        If fsspec is not installed or does not know such URLs.
    """
    if one == other:
        return True
    found = []
    for url in (one, other):
        with _told(url):
            system, path = _system(url)
            found.append((system, posixpath.normpath(path)))
    return bool(found[0] == found[1])


@contextmanager
def open_url(url: str) -> Iterator[IO[bytes]]:
    """Open a file for reading.

    Raises
    ------
    KmcInputError
        If it cannot be opened or read, or fsspec is not installed or does not know such URLs.
    """
    with _told(url):
        system, path = _system(url)
        with system.open(path, "rb") as stream:
            yield stream


def size_in_archive(url: str) -> int:
    """Return the size in bytes that an archive declares for a file; 0 for other URLs.

    Raises
    ------
    KmcInputError
        See `open_url`.
    """
    if _CHAIN not in url:
        return 0
    with _told(url):
        system, path = _system(url)
        return int(system.info(path).get("size") or 0)


def url_exists(url: str) -> bool:
    """Whether a file exists.

    Raises
    ------
    KmcInputError
        See `open_url`.
    """
    with _told(url):
        system, path = _system(url)
        return bool(system.exists(path))


def url_is_folder(url: str) -> bool:
    """Whether a folder exists.

    Raises
    ------
    KmcInputError
        See `open_url`.
    """
    if re.match("https?://", url) and not url.partition(_CHAIN)[0].endswith("/"):
        return False  # else any page with links would be one, and fetched to find out
    with _told(url):
        system, path = _system(url)
        return bool(system.isdir(path))


def listing_fault(name: str) -> str | None:
    """Say why a name in a listing is unsafe to join with its folder's URL; None if it is safe.

    The maker of the archive or the server chose the name, so it is untrusted: it may only name a
    file below its folder.
    """
    if "\0" in name:
        return "holds a zero character"
    for sign in (_CHAIN, "://", "\\"):
        if sign in name:
            return f"holds {sign!r}"
    if name.startswith(("/", "~")) or re.match("[A-Za-z]:", name):
        return "begins like an absolute path"
    # "tar cf a.tar ." begins all names with "./".
    for part in name.removeprefix("./").split("/"):
        if not part:
            return "has an empty part"
        if re.fullmatch(r"(\.|%2e){1,2}", part, re.IGNORECASE):
            return f"has the part {part!r}"
    return None


def url_files(url: str, *, recursive: bool) -> list[str]:
    """Return the files below a folder's URL; each folder's files before its subfolders.

    The names are unchecked: see `listing_fault`.

    Raises
    ------
    KmcInputError
        See `open_url`.
    """
    with _told(url):
        system, path = _system(url)
        if re.match("https?://", url):
            found = _linked(system, path, recursive)
        else:
            found = system.find(path, maxdepth=None if recursive else 1)
    return sorted((_below(system, each, path) for each in found), key=_by_folder)


def _below(system: Any, name: str, folder: str) -> str:
    """Return the name of a file in a listing, relative to the listed folder."""
    if system.root_marker == "/" or folder.startswith("/"):
        # Only some of these systems begin paths with a slash.
        name, folder = name.removeprefix("/"), folder.removeprefix("/")
    folder = folder.rstrip("/")
    return name.removeprefix(folder + "/") if folder else name


def _linked(system: Any, path: str, recursive: bool) -> list[str]:
    """Return the files that a server's pages link to; follow subfolders of a folder only.

    A page may also link to the parent folder, and to anywhere else.
    """
    files: list[str] = []
    folders = [path]
    met = {path.rstrip("/")}
    while folders:
        for each in system.ls(folders.pop(), detail=True):
            name = str(each["name"])
            if each["type"] != "directory":
                files.append(name)
            elif (
                recursive
                and name.rstrip("/") not in met
                and listing_fault(_below(system, name.rstrip("/"), path)) is None
            ):
                met.add(name.rstrip("/"))
                folders.append(name)
    return files


def _by_folder(name: str) -> tuple[list[str], str]:
    *folders, last = name.split("/")
    return folders, last


def write_url(url: str, parts: Iterable[bytes], *, create_only: bool) -> None:
    """Write a file whole or not at all, if its file system supports that.

    Parameters
    ----------
    url : str
    parts : iterable of bytes
    create_only : bool
        Refuse to replace a file.

    Raises
    ------
    KmcInputError
        See `open_url`; also if the file exists and `create_only` is set.
    """
    with _told(url):
        system, path = _system(url)
        if create_only and system.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
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
    """Turn the errors of any file system into one line with the URL."""
    try:
        yield
    except KmcError:
        raise
    except RecursionError as error:
        raise KmcInputError(f"{url}: folders nested too deeply") from error
    except OSError as error:
        if not error.errno and isinstance(error, FileNotFoundError):
            error = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        raise file_error(error, url) from error
    except Exception as error:
        # Each file system raises its own.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise file_error(OSError(errno.EIO, reason), url) from error
