"""The exceptions of this package, by who is at fault, and its warnings."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
import warnings
from typing import Any

__all__ = [
    "KmcError",
    "KmcFileError",
    "KmcFileExistsError",
    "KmcFileNotFoundError",
    "KmcFormatError",
    "KmcGoalError",
    "KmcInputError",
    "KmcIsADirectoryError",
    "KmcLimitError",
    "KmcLossWarning",
    "KmcPermissionError",
    "KmcWarning",
    "file_error",
    "reason_of",
    "warn",
]


class KmcError(Exception):
    """Base class of all errors of this package; the text is one plain sentence."""


class KmcFormatError(KmcError):
    """The file is damaged, truncated, or not a `.kmc` file that this version reads.

    Parameters
    ----------
    message : str
        The fault, without its place.
    offset : int, optional
        Byte of the file at which the wrong part begins.
    expected, found : optional
        The value that the specification requires and the value in the file, where both exist.
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int | None = None,
        expected: Any = None,
        found: Any = None,
    ) -> None:
        self.message = message
        self.offset = offset
        self.expected = expected
        self.found = found
        super().__init__(message if offset is None else f"{message} (at byte {offset})")

    def inside(self, place: str, offset: int | None = None) -> KmcFormatError:
        """Return the same fault with the name of a file, or of a part of one, before it.

        Parameters
        ----------
        place : str
            Such as ``"bird.kmc"`` or ``"strip 3 (rows 48 to 63)"``.
        offset : int, optional
            Byte of the file at which the part begins, if the fault has no offset.
        """
        if offset is None:
            offset = self.offset
        message = f"{place}: {self.message}"
        return type(self)(message, offset=offset, expected=self.expected, found=self.found)


class KmcLimitError(KmcError):
    """The file declares more than the caller is prepared to handle."""


class KmcInputError(KmcError, ValueError):
    """The caller's image, option or path is wrong."""


class KmcFileError(OSError, KmcInputError):
    """A file cannot be opened, read or written.

    Attributes
    ----------
    errno : int
        The system's number for the reason.
    strerror : str
        The reason in words.
    filename : str
        The path or URL, or "standard input" or "standard output".
    """

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


class KmcFileNotFoundError(KmcFileError, FileNotFoundError):
    """A file or folder does not exist."""


class KmcFileExistsError(KmcFileError, FileExistsError):
    """A file already exists and may not be replaced."""


class KmcPermissionError(KmcFileError, PermissionError):
    """The system denies access to a file."""


class KmcIsADirectoryError(KmcFileError, IsADirectoryError):
    """A folder is where a file was expected."""


_REASONS = {
    errno.ENOENT: "no such file",
    errno.EISDIR: "is a folder",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOSPC: "no space left on device",
    errno.EEXIST: "already exists",
    errno.ENXIO: "is a socket, or a device that does not exist",
}


def reason_of(error: OSError) -> str:
    """Say in plain words why a file could not be read or written."""
    if error.errno in _REASONS:
        return _REASONS[error.errno]
    text = error.strerror
    return text[:1].lower() + text[1:] if text else str(error) or type(error).__name__


def file_error(error: OSError, name: str, reason: str | None = None) -> KmcFileError:
    """Return the error of the same kind that names a file.

    Parameters
    ----------
    error : OSError
    name : str
        The file, as messages call it.
    reason : str, optional
        In words; the error's own if not given.
    """
    kinds = (KmcFileNotFoundError, KmcFileExistsError, KmcPermissionError, KmcIsADirectoryError)
    kind = next((kind for kind in kinds if isinstance(error, kind.__bases__[1])), KmcFileError)
    return kind(error.errno or errno.EIO, reason or reason_of(error), name)


class KmcGoalError(KmcError):
    """A requested quality or size cannot be reached."""


class KmcWarning(UserWarning):
    """The input was changed, such as 16-bit samples reduced to 8 bits."""


class KmcLossWarning(KmcWarning):
    """The input was reduced so that pixels look different: the result is not lossless.

    Examples are bits of samples, inks, and PQ colours, which a `.kmc` file cannot hold.
    """


def warn(message: str | Warning, category: type[Warning] = KmcWarning) -> None:
    """Issue a warning that points to the caller outside of this package and Pillow.

    Parameters
    ----------
    message : str or Warning
    category : type
        Class of the warning, if `message` is a text.
    """
    if sys.version_info >= (3, 12):
        warnings.warn(message, category, skip_file_prefixes=_inner_files())
    else:
        warnings.warn(message, category, stacklevel=_level_of_caller())


@functools.cache
def _inner_files() -> tuple[str, ...]:
    """Return the path prefixes of files that a warning should not point to."""
    import PIL

    packages = (sys.modules[__name__.partition(".")[0]], PIL)
    folders = (os.path.join(folder, "") for each in packages for folder in each.__path__)
    # Some warnings are reissued when a `with` block ends, from frames of contextlib.
    return (*folders, contextlib.__file__)


def _level_of_caller() -> int:
    """Return the `stacklevel` for `warn` that leads out of these files."""
    inner = _inner_files()
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(inner):
        frame, level = frame.f_back, level + 1
    return level
