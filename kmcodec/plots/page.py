"""The page and style of figures; places on a page are in inches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from kmcodec.plots.words import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

__all__ = [
    "ACCENT",
    "CONTENT",
    "DPI",
    "FAINT",
    "HAIRLINE",
    "HEADING",
    "INK",
    "MARGIN",
    "OUTLINE",
    "SOFT",
    "STYLE",
    "TITLES",
    "WIDTH",
    "Page",
    "Place",
]

# Overrides the user's matplotlibrc: a figure looks the same everywhere.
STYLE: Mapping[str, Any] = {
    "axes.grid": False,
    "axes.unicode_minus": True,
    "figure.constrained_layout.use": False,
    "figure.autolayout": False,
    "font.family": ["DejaVu Sans"],
    "font.style": "normal",
    "font.weight": "normal",
    "image.origin": "upper",
    "path.simplify": True,
    "savefig.bbox": None,
    "svg.fonttype": "path",
    "svg.hashsalt": "kmcodec",
    "text.usetex": False,
}
INK, SOFT, FAINT, ACCENT = "#1c2126", "#65707a", "#e4e8eb", "#1f6f8b"
OUTLINE = "#b4bcc3"
HAIRLINE = 0.6  # points

# All in inches.
WIDTH, MARGIN = 12.0, 0.55
CONTENT = WIDTH - 2 * MARGIN
HEADING = 1.0  # the figure's own title
TITLES = 0.56  # the two lines above a panel

DPI = 150


@dataclass(frozen=True)
class Place:
    """A rectangle on a page, in inches.

    Parameters
    ----------
    left, top : float
        From the top left corner of the page.
    width, height : float
    """

    left: float
    top: float
    width: float
    height: float


class Page:
    """A figure with places in inches from the top left corner.

    Parameters
    ----------
    height : float
        In inches; the width is `WIDTH`.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Not known to pyplot.
    """

    def __init__(self, height: float) -> None:
        from matplotlib.figure import Figure

        self.height = height
        self.figure = Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")

    def axes(self, place: Place, **options: Any) -> Axes:
        """Add axes that fill a place.

        Parameters
        ----------
        place : Place
        **options
            Options of `matplotlib.figure.Figure.add_axes`; without any, no frame is drawn.
        """
        bottom = 1 - (place.top + place.height) / self.height
        return self.figure.add_axes(
            (
                place.left / WIDTH,
                bottom,
                place.width / WIDTH,
                place.height / self.height,
            ),
            **(options or {"frameon": False}),
        )

    def text(self, left: float, baseline: float, text: str, **style: Any) -> None:
        """Write a line.

        Parameters
        ----------
        left, baseline : float
            Start of the text, in inches from the top left corner.
        text : str
            Plain text: dollar signs do not start formulas.
        **style
            Options of `matplotlib.text.Text`.
        """
        style = {"color": INK, "fontsize": 10.5, "parse_math": False, **style}
        self.figure.text(left / WIDTH, 1 - baseline / self.height, text, **style)

    def heading(self, name: str, line: str) -> None:
        """Write the figure's title, of any length, and a line below it."""
        name = printable(name)
        self.text(MARGIN, 0.56, name, fontsize=18 if len(name) <= 40 else 13)
        self.text(MARGIN, 0.82, line, color=SOFT)

    def titles(self, place: Place, title: str, line: str) -> None:
        """Write a title and a line above a place, in the room of `TITLES`."""
        self.text(place.left, place.top - 0.36, title, fontsize=13)
        self.text(place.left, place.top - 0.13, line, color=SOFT)

    def caption(self, place: Place, text: str, note: str) -> None:
        """Write a line and, unless it is empty, a note below a place."""
        below = place.top + place.height
        self.text(place.left, below + 0.2, text, fontsize=9.5)
        if note:
            self.text(place.left, below + 0.37, note, fontsize=9.5, color=SOFT)

    def picture(self, place: Place, pixels: NDArray[Any], **options: Any) -> AxesImage:
        """Fill a place with pixels, framed by a hairline: white edges end where the image ends.

        Parameters
        ----------
        place : Place
        pixels : ndarray, shape (h, w, 3), uint8, or (h, w) with a colour map
        **options
            Options of `matplotlib.axes.Axes.imshow`.
        """
        from matplotlib.patches import Rectangle

        axes = self.axes(place)
        axes.set_axis_off()
        height, width = pixels.shape[:2]
        enlarged = min(place.width / width, place.height / height) * DPI
        smooth = "nearest" if enlarged >= 1.5 else "antialiased"
        frame = Rectangle((0, 0), 1, 1, transform=axes.transAxes, fill=False, zorder=2)
        frame.set(edgecolor=OUTLINE, linewidth=HAIRLINE, clip_on=False)
        axes.add_patch(frame)
        return axes.imshow(pixels, aspect="auto", interpolation=smooth, **options)
