"""Write files atomically: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

__all__ = ["replace_file"]

_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}
_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_BINARY", 0)  # else Windows turns LF into CR LF
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)


def replace_file(
    path: str | os.PathLike[str], data: bytes | Iterable[bytes], *, create_only: bool = False
) -> None:
    """Write a file so that at any moment either the old or the whole new one exists.

    Parameters
    ----------
    path : path-like
        A symbolic link is followed. An existing device or FIFO (such as ``/dev/null``) is written
        directly.
    data : bytes or iterable of bytes
        The whole file, or its parts, taken during writing.
    create_only : bool
        Never replace a file, not even one that appears in the meantime.

    Raises
    ------
    OSError
        If the file cannot be written; an existing file is then untouched.
    ValueError
        If the path holds a zero character.
    """
    name = os.fspath(path)
    target = Path(os.path.realpath(name))
    found = _status(target)
    if found is None and name.endswith(("/", os.sep)):
        # A trailing slash asks for a folder, but `realpath` drops it.
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
    # Not made from the target's name, which may be as long as the file system permits.
    temporary = target.with_name(f".kmc-{secrets.token_hex(8)}.tmp")
    try:
        _fill(temporary, data)
        if found is not None:
            # Keep the permissions that the owner chose.
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
        # Without this, a crash after the rename can leave an empty target.
        os.fsync(stream.fileno())


def _put_new(temporary: Path, target: Path) -> None:
    """Give the finished file its name, unless a file has it."""
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
    # Creating the name claims it: replacing our own empty file is safe.
    os.close(os.open(target, _CREATE, 0o666))
    try:
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(target)
        raise
