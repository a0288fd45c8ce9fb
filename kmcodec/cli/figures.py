"""Where a figure goes: a file, or a window."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kmcodec.plots import figure_bytes, show
from kmcodec.storage.door import STANDARD, write_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save_or_show"]


def save_or_show(figure: Figure, output: str | None, *, force: bool) -> None:
    """Write a figure to a file whose ending says the format, or open a window.

    Raises
    ------
    KmcInputError
        If the ending is unknown, the file is there and `force` is not set, it cannot be
        written, or there is no display.
    """
    if output is None:
        show(figure)
    else:
        ending = ".png" if output == STANDARD else os.path.splitext(output)[1]
        write_output(output, figure_bytes(figure, ending), create_only=not force)
