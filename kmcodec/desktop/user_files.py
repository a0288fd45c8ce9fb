"""Files in a user's folders that are written, known again, and removed only while untouched."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from kmcodec.errors import KmcInputError
from kmcodec.storage.door import file_errors, open_path, write_output

__all__ = ["UserFile", "UserFolder", "marked", "user_folder"]

# The last line of each file: it stands where neither a shell nor an XML parser minds it.
_MARK = "kmc integrate wrote this; SHA-256 of the lines above: "
_LAST_LINE = re.compile(rb"(?:# |<!-- )" + _MARK.encode() + rb"([0-9a-f]{64})(?: -->)?\n\Z")
# No file that this package writes is longer.
_MOST = 1 << 16


def marked(text: str, *, xml: bool = False) -> bytes:
    """Return the content of a file that `UserFile` knows again as long as nobody changes it.

    Parameters
    ----------
    text : str
        Whole lines.
    xml : bool
        Whether comments are those of XML; otherwise they begin with ``#``.
    """
    data = text.encode()
    mark = _MARK + hashlib.sha256(data).hexdigest()
    return data + (f"<!-- {mark} -->\n" if xml else f"# {mark}\n").encode()


def _is_untouched(data: bytes) -> bool:
    found = _LAST_LINE.search(data)
    if found is None:
        return False
    return hashlib.sha256(data[: found.start()]).hexdigest().encode() == found[1]


@dataclass(frozen=True)
class UserFolder:
    """A folder for files of one user.

    Parameters
    ----------
    path : str
        Absolute.
    root : str
        The folder that no symbolic link below may lead out of; has no links itself.
    """

    path: str
    root: str


def user_folder(variable: str, default: str, environment: Mapping[str, str]) -> UserFolder:
    """Return a base folder of the XDG specification.

    Parameters
    ----------
    variable : str
        Such as ``"XDG_DATA_HOME"``. As the specification says, a relative path does not count.
    default : str
        The folder below the home folder without the variable.
    environment : mapping
        The variables of the environment.

    Raises
    ------
    KmcInputError
        If there is no home folder, or if it is another user's.
    """
    path = environment.get(variable, "")
    if os.path.isabs(path):
        return UserFolder(path, os.path.realpath(path))
    home = environment.get("HOME") or ""
    if not home and sys.platform == "win32":
        home = environment.get("USERPROFILE") or ""
    if not os.path.isabs(home) or not os.path.isdir(home):
        raise KmcInputError(f"no home folder: set HOME or {variable} to the path of a folder")
    if _is_of_another(home):
        raise KmcInputError(f"{home}: belongs to another user: run this as that user")
    return UserFolder(os.path.join(home, default), os.path.realpath(home))


def _is_of_another(home: str) -> bool:
    # Some versions of sudo keep HOME, and the user could not change what root writes there.
    if sys.platform == "win32" or os.geteuid() != 0:
        return False
    return os.stat(home).st_uid != 0


@dataclass(frozen=True)
class UserFile:
    """A file that may be put into a user's folder.

    Parameters
    ----------
    folder : UserFolder
    name : str
        Path below the folder, with ``/``.
    data : bytes
        Made by `marked`.
    """

    folder: UserFolder
    name: str
    data: bytes

    @property
    def path(self) -> str:
        """The path as the user knows it."""
        return os.path.join(self.folder.path, *self.name.split("/"))

    def is_current(self) -> bool:
        """Tell whether the file is there with this very content."""
        return self._found() == self.data

    def is_there(self) -> bool:
        """Tell whether the file is there, perhaps as another version of this package wrote it.

        Raises
        ------
        KmcInputError
            If something else is there, or if a symbolic link leads out of the user's folders.
        KmcFileError
            If it cannot be read.
        """
        return self._found() is not None

    def write(self) -> None:
        """Write the file, and the folders above it; one that is there is checked first.

        Raises
        ------
        KmcInputError, KmcFileError
            See `is_there`; nothing is written.
        """
        is_there = self.is_there()
        place = self._place()
        with file_errors(os.path.dirname(self.path)):
            os.makedirs(os.path.dirname(place), exist_ok=True)
        write_output(place, self.data, create_only=not is_there)

    def remove(self) -> None:
        """Remove the file if it is there; its folders stay.

        Raises
        ------
        KmcInputError, KmcFileError
            See `is_there`; nothing is removed.
        """
        if self.is_there():
            with file_errors(self.path):
                os.unlink(self._place())

    def _place(self) -> str:
        """Return the path without symbolic links in its folders."""
        folder, name = os.path.split(self.path)
        real = os.path.realpath(folder)
        root = self.folder.root
        if real != root and not real.startswith(os.path.join(root, "")):
            raise KmcInputError(f"{self.path}: a symbolic link leads out of {root}, to {real}")
        return os.path.join(real, name)

    def _found(self) -> bytes | None:
        place = self._place()
        with file_errors(self.path):
            try:
                kind = os.lstat(place).st_mode
            except FileNotFoundError:
                return None
        if not stat.S_ISREG(kind):
            what = "a symbolic link" if stat.S_ISLNK(kind) else "no regular file"
            raise KmcInputError(f"{self.path}: left alone: {what}")
        with open_path(place) as stream:
            data = stream.read(_MOST + 1)
        if not _is_untouched(data):
            raise KmcInputError(
                f"{self.path}: left alone: kmc did not write it, or it has changed since"
            )
        return data
