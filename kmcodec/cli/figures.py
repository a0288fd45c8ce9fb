"""Write a figure to a file, or show it in a window."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kmcodec.plots import figure_bytes, show
from kmcodec.storage.door import STANDARD, write_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save_or_show"]


def save_or_show(figure: Figure, output: str | None, *, force: bool) -> None:
    """Write a figure to a file, in the format of its extension, or open a window.

    Raises
    ------
    KmcInputError
        If the extension is unknown, the file exists and `force` is not set, it cannot be
        written, or no display is available.
    """
    if output is None:
        show(figure)
    else:
        extension = ".png" if output == STANDARD else os.path.splitext(output)[1]
        write_output(output, figure_bytes(figure, extension), create_only=not force)
