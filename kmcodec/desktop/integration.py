"""What a desktop of freedesktop.org wants to know of this package, and where it looks for it."""

from __future__ import annotations

import importlib.resources
import os
import shlex
import shutil
import subprocess

from kmcodec.desktop.user_files import UserFile, UserFolder, marked
from kmcodec.errors import KmcError

__all__ = ["TYPES_PROGRAM", "are_types_current", "desktop_files", "update_types"]

TYPES_PROGRAM = "update-mime-database"
"""The program that makes one database of the descriptions of file types."""

_DESCRIPTION = "kmcodec-image.xml"
_ENTRY = "kmcodec.thumbnailer"
# It reads all descriptions of a user, which are few.
_SECONDS = 120


def desktop_files(data: UserFolder, program: str) -> list[UserFile]:
    """Return the description of the file type and the thumbnailer entry.

    Parameters
    ----------
    data : UserFolder
        For ``XDG_DATA_HOME``.
    program : str
        The path of `kmc`, or its name if the desktop has to find it.
    """
    description = marked(_packaged(_DESCRIPTION), xml=True)
    entry = marked(_entry_for(program))
    return [
        UserFile(data, f"mime/packages/{_DESCRIPTION}", description),
        UserFile(data, f"thumbnailers/{_ENTRY}", entry),
    ]


def _packaged(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text("utf-8")


def _entry_for(program: str) -> str:
    """Return the entry with the path of kmc: the PATH of a desktop seldom has that of pip."""
    # Only in Exec does a shell's quoting hold, and a percent sign begin a field.
    tried = f"TryExec={_in_key_file(program)}\n"
    command = f"Exec={_in_key_file(shlex.quote(program).replace('%', '%%'))} "
    lines = _packaged(_ENTRY).splitlines(keepends=True)
    return "".join(
        tried if line.startswith("TryExec=") else line.replace("Exec=kmc ", command, 1)
        for line in lines
    )


def _in_key_file(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return text.replace("\r", "\\r")


def are_types_current(data: UserFolder) -> bool:
    """Tell whether the database of file types has the description if and only if it is there."""
    types = os.path.join(data.path, "mime")
    described = os.path.exists(os.path.join(types, "packages", _DESCRIPTION))
    return described == os.path.exists(os.path.join(types, "image", "x-kmc.xml"))


def update_types(data: UserFolder) -> bool:
    """Update the user's database of file types.

    Returns
    -------
    bool
        False if the program for it is not installed.

    Raises
    ------
    KmcError
        If it fails.
    """
    program = shutil.which(TYPES_PROGRAM)
    if program is None:
        return False
    try:
        run = subprocess.run(
            [program, os.path.join(data.path, "mime")],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KmcError(f"{TYPES_PROGRAM}: {error}") from error
    if run.returncode != 0:
        last = run.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise KmcError(": ".join([TYPES_PROGRAM, f"exit code {run.returncode}", *last]))
    return True
