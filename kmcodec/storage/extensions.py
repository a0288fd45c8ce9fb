"""Check the extensions of files to write."""

from __future__ import annotations

import os

from kmcodec.errors import KmcInputError
from kmcodec.storage.urls import is_url, url_name

__all__ = ["check_kmc_name"]


def check_kmc_name(path: str | os.PathLike[str]) -> None:
    """Refuse to write a `.kmc` file with the extension of another format.

    Parameters
    ----------
    path : path-like
        Or a URL, or ``-``. Names without an extension, devices and FIFOs are accepted.

    Raises
    ------
    KmcInputError
        If the name has an extension other than ``.kmc``.
    """
    name = os.fsdecode(path)
    last = url_name(name) if is_url(name) else os.path.basename(name)
    stem, extension = os.path.splitext(last)
    if extension.lower() in ("", ".kmc") or _is_special(name):
        return
    raise KmcInputError(f"{name}: cannot write a .kmc file as {extension}: name it {stem}.kmc")


def _is_special(path: str) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)
