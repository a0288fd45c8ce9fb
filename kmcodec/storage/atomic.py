"""Files written at once or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from kmcodec.errors import KmcInputError

__all__ = ["reason_of", "replace_file", "write_atomically"]

_REASONS = {
    errno.ENOENT: "no such file",
    errno.EISDIR: "is a folder",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOSPC: "no space left on device",
    errno.EEXIST: "exists already",
    errno.ENXIO: "is a socket, or a device that is not there",
}
_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_BINARY", 0)  # else Windows writes CR LF for LF
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)


def reason_of(error: OSError) -> str:
    """Say in plain words why a file could not be read or written."""
    if error.errno in _REASONS:
        return _REASONS[error.errno]
    if error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error) or type(error).__name__


def write_atomically(
    path: str | os.PathLike[str], data: bytes | Iterable[bytes], *, create_only: bool = False
) -> None:
    """Write a file so that at any moment either the old or the whole new one is there.

    Parameters
    ----------
    path, data, create_only
        See `replace_file`.

    Raises
    ------
    KmcInputError
        If the file cannot be written, with the reason; what was there is then untouched.
    """
    name = os.fspath(path)
    try:
        replace_file(name, data, create_only=create_only)
    except (FileNotFoundError, NotADirectoryError) as error:
        # The file may well be missing: what is wrong is the folder.
        raise KmcInputError(f"{os.path.dirname(name) or '.'}: no such folder") from error
    except OSError as error:
        raise KmcInputError(f"{name}: {reason_of(error)}") from error
    except ValueError as error:
        raise KmcInputError(f"{name!r} is not a path") from error


def replace_file(
    path: str | os.PathLike[str], data: bytes | Iterable[bytes], *, create_only: bool = False
) -> None:
    """Do what `write_atomically` does, but leave errors as the system raises them.

    Parameters
    ----------
    path : path-like
        A symbolic link is followed. What exists and is no regular file (``/dev/null``, a FIFO)
        is written directly.
    data : bytes or iterable of bytes
        The whole file, or its parts, which are taken while it is written.
    create_only : bool
        Never replace a file, not even one that appears in the meantime.

    Raises
    ------
    OSError
        If the file cannot be written; what was there is then untouched.
    ValueError
        If the path has a zero character in it.
    """
    name = os.fspath(path)
    target = Path(os.path.realpath(name))
    found = _status(target)
    if found is None and name.endswith(("/", os.sep)):
        # The slash asks for a folder, which `realpath` forgets.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if found is not None and not stat.S_ISREG(found.st_mode):
        with open(target, "wb") as stream:
            for part in _parts_of(data):
                stream.write(part)
        return
    if found is not None and create_only:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
    _write_beside(target, data, found, create_only)


def _status(target: Path) -> os.stat_result | None:
    try:
        return target.stat()
    except FileNotFoundError:
        return None


def _write_beside(
    target: Path, data: bytes | Iterable[bytes], found: os.stat_result | None, create_only: bool
) -> None:
    # A name of its own length: the target's may be as long as the file system permits.
    temporary = target.with_name(f".kmc-{secrets.token_hex(8)}.tmp")
    try:
        _fill(temporary, data)
        if found is not None:
            # The permissions of a file are its owner's choice, not ours.
            os.chmod(temporary, stat.S_IMODE(found.st_mode))
        if create_only:
            _put_new(temporary, target)
        else:
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _parts_of(data: bytes | Iterable[bytes]) -> Iterable[bytes]:
    return [data] if isinstance(data, bytes) else data


def _fill(temporary: Path, data: bytes | Iterable[bytes]) -> None:
    with open(os.open(temporary, _CREATE, 0o666), "wb") as stream:
        for part in _parts_of(data):
            stream.write(part)
        stream.flush()
        # Else a crash after the rename can leave an empty file under the target's name.
        os.fsync(stream.fileno())


def _put_new(temporary: Path, target: Path) -> None:
    """Give the finished file its name, unless that is taken."""
    try:
        os.link(temporary, target)
    except (AttributeError, NotImplementedError):
        _claim_and_replace(temporary, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _claim_and_replace(temporary, target)
    else:
        os.unlink(temporary)


def _claim_and_replace(temporary: Path, target: Path) -> None:
    # Whoever creates the name owns it: the empty file is ours to replace.
    os.close(os.open(target, _CREATE, 0o666))
    try:
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(target)
        raise
