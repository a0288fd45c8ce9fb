"""The page that figures are drawn on, where everything has a place in inches, and its style."""

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

# Whatever the reader's matplotlibrc says: a figure looks the same everywhere.
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

# All in inches.
WIDTH, MARGIN = 12.0, 0.55
CONTENT = WIDTH - 2 * MARGIN
HEADING = 1.0  # the figure's own title
TITLES = 0.56  # the two lines above a panel

DPI = 150


@dataclass(frozen=True)
class Place:
    """A rectangle on a page, in inches from the top left corner."""

    left: float
    top: float
    width: float
    height: float


class Page:
    """A figure on which everything has a place in inches from the top left corner."""

    def __init__(self, height: float) -> None:
        from matplotlib.figure import Figure

        self.height = height
        self.figure = Figure(figsize=(WIDTH, height), dpi=100, facecolor="white")

    def axes(self, place: Place, **options: Any) -> Axes:
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
        style = {"color": INK, "fontsize": 10.5, "parse_math": False, **style}
        self.figure.text(left / WIDTH, 1 - baseline / self.height, text, **style)

    def heading(self, name: str, line: str) -> None:
        name = printable(name)
        self.text(MARGIN, 0.56, name, fontsize=18 if len(name) <= 40 else 13)
        self.text(MARGIN, 0.82, line, color=SOFT)

    def titles(self, place: Place, title: str, line: str) -> None:
        self.text(place.left, place.top - 0.36, title, fontsize=13)
        self.text(place.left, place.top - 0.13, line, color=SOFT)

    def caption(self, place: Place, text: str, note: str) -> None:
        below = place.top + place.height
        self.text(place.left, below + 0.2, text, fontsize=9.5)
        if note:
            self.text(place.left, below + 0.37, note, fontsize=9.5, color=SOFT)

    def picture(self, place: Place, pixels: NDArray[Any], **options: Any) -> AxesImage:
        """Fill a place with pixels: shape (h, w, 3) uint8, or (h, w) with a colour map."""
        axes = self.axes(place)
        axes.set_axis_off()
        height, width = pixels.shape[:2]
        enlarged = min(place.width / width, place.height / height) * DPI
        smooth = "nearest" if enlarged >= 1.5 else "antialiased"
        return axes.imshow(pixels, aspect="auto", interpolation=smooth, **options)
