"""Render a figure to the bytes of a file, or show it in a window."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from kmcodec.errors import KmcInputError
from kmcodec.plots.page import DPI, STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXTENSIONS", "figure_bytes", "require_matplotlib", "show"]

# Options that keep dates and matplotlib's version out of a file, by extension.
_METADATA: Mapping[str, dict[str, Any] | None] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
    ".jpg": None,
}
EXTENSIONS = tuple(_METADATA)
"""The file extensions that `figure_bytes` knows."""

_NO_DISPLAY = "no display to show the figure on: use -o FILE"


def require_matplotlib() -> Any:
    """Import matplotlib, which is an optional extra.

    Returns
    -------
    module

    Raises
    ------
    KmcInputError
        If it is not installed.
    """
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as error:
        raise KmcInputError("figures need matplotlib: pip install 'kmcodec[plot]'") from error
    return matplotlib


def figure_bytes(figure: Figure, extension: str) -> bytes:
    """Render a figure as a file, with the same bytes each time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    extension : str
        One of `EXTENSIONS`, in any case.

    Raises
    ------
    KmcInputError
        If the extension is unknown.
    """
    matplotlib = require_matplotlib()
    extension = {".jpeg": ".jpg"}.get(extension.lower(), extension.lower())
    if extension not in _METADATA:
        works = f"{', '.join(EXTENSIONS[:-1])} or {EXTENSIONS[-1]}"
        raise KmcInputError(f"cannot write a figure as {extension!r}: use {works}")
    stream = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # A title in a script missing from the font shows as boxes, which needs no warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(stream, format=extension[1:], dpi=DPI, metadata=_METADATA[extension])
    return stream.getvalue()


def show(figure: Figure) -> None:
    """Open a window with a figure, and wait until it is closed.

    Raises
    ------
    KmcInputError
        If no display is available.
    """
    require_matplotlib()
    import matplotlib.pyplot as plt
    from matplotlib.backend_bases import FigureManagerBase

    try:
        # pyplot asks this "class" for a figure and gets the existing one.
        shown = plt.figure(FigureClass=cast("Any", lambda *_, **__: figure))
        manager = shown.canvas.manager
        interactive = manager is not None and type(manager).show is not FigureManagerBase.show
    except Exception as error:  # each toolkit raises its own error without a display
        raise KmcInputError(_NO_DISPLAY) from error
    if not interactive:
        plt.close(shown)
        raise KmcInputError(_NO_DISPLAY)
    plt.show()
