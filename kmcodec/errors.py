"""The exceptions of this package, by whose fault it is, and its warnings."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from typing import Any

__all__ = [
    "KmcError",
    "KmcFormatError",
    "KmcGoalError",
    "KmcInputError",
    "KmcLimitError",
    "KmcLossWarning",
    "KmcWarning",
    "warn",
]


class KmcError(Exception):
    """Whatever goes wrong here; its text is one plain sentence."""


class KmcFormatError(KmcError):
    """The file is wrong: damaged, truncated, or not a `.kmc` file that this version reads.

    Parameters
    ----------
    message : str
        What is wrong, without its place.
    offset : int, optional
        Byte of the file at which the wrong part begins.
    expected, found : optional
        What the specification asks for and what stands there, where there are two such values.
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
        """The same fault, told as that of a named file or part of one.

        Parameters
        ----------
        place : str
            Such as ``"bird.kmc"`` or ``"strip 3 (rows 48 to 63)"``.
        offset : int, optional
            Byte of the file at which the part begins, where the fault does not know it.
        """
        if offset is None:
            offset = self.offset
        message = f"{place}: {self.message}"
        return type(self)(message, offset=offset, expected=self.expected, found=self.found)


class KmcLimitError(KmcError):
    """The file declares more than the caller is prepared to handle."""


class KmcInputError(KmcError, ValueError):
    """The caller's image, option or path is wrong."""


class KmcGoalError(KmcError):
    """A quality or a size that was asked for cannot be reached."""


class KmcWarning(UserWarning):
    """Something was changed on the way in, such as 16-bit samples reduced to 8 bits."""


class KmcLossWarning(KmcWarning):
    """Something was reduced or left out that changes how pixels look: the result is not lossless.

    Such as bits of samples, inks, or colours by PQ, which a `.kmc` file has no place for.
    """


def warn(message: str | Warning, category: type[Warning] = KmcWarning) -> None:
    """Warn at the line outside of this package and of Pillow that called into them.

    Parameters
    ----------
    message : str or Warning
    category : type
        Of the warning, if `message` is a text.
    """
    if sys.version_info >= (3, 12):
        warnings.warn(message, category, skip_file_prefixes=_inner_files())
    else:
        warnings.warn(message, category, stacklevel=_level_of_caller())


@functools.cache
def _inner_files() -> tuple[str, ...]:
    """How the names of files begin whose lines tell a caller nothing."""
    import PIL

    packages = (sys.modules[__name__.partition(".")[0]], PIL)
    folders = (os.path.join(folder, "") for each in packages for folder in each.__path__)
    # Warnings are told anew at the end of `with` blocks, whose frames are those of contextlib.
    return (*folders, contextlib.__file__)


def _level_of_caller() -> int:
    """The `stacklevel` for `warn` that leads out of these files."""
    inner = _inner_files()
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(inner):
        frame, level = frame.f_back, level + 1
    return level
