"""Draw the clusters of k-means: pixels as points in a colour space, and their centroids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.image import IndexedImage
from kmcodec.model.metrics import check_same_size
from kmcodec.model.pixels import to_channels
from kmcodec.plots.output import require_matplotlib
from kmcodec.plots.page import (
    CONTENT,
    FAINT,
    HAIRLINE,
    HEADING,
    INK,
    MARGIN,
    OUTLINE,
    SOFT,
    STYLE,
    TITLES,
    Page,
    Place,
)
from kmcodec.plots.words import color_count, dimensions
from kmcodec.quantization.colorspace import SPACES, has_alpha
from kmcodec.quantization.histogram import histogram
from kmcodec.quantization.oklab import NEUTRAL, SCALE, to_oklab

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DEFAULT_POINTS", "clusters_figure"]

DEFAULT_POINTS = 6000
"""Default number of pixels to draw: enough to show where they crowd."""

# In inches.
_GAP, _HEIGHT = 0.3, 5.3

# Multiples of this, modulo 1, never come close to one another (Weyl): a sample covers the image
# evenly, and is the same each time.
_GOLDEN = (5**0.5 - 1) / 2

# Lightness in Oklab below which a disc gets a light edge, and above which a point gets an edge.
_DARK, _LIGHT = 0.3, 0.9

_SMALLEST, _LARGEST = 45.0, 420.0


def clusters_figure(
    original: NDArray[np.uint8],
    image: IndexedImage,
    *,
    name: str,
    space: str = "srgb",
    points: int = DEFAULT_POINTS,
) -> Figure:
    """Draw pixels as points in a colour space, in their own colours and in those of their entries.

    Parameters
    ----------
    original : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
        Fully transparent pixels are left out; alpha is not drawn.
    image : IndexedImage
        Of the same width and height: its indices are the clusters, its palette the centroids.
    name : str
        The title.
    space : {'srgb', 'oklab'}
    points : int
        The most pixels to draw, sampled evenly; the same ones each time.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.

    Raises
    ------
    KmcInputError
        If matplotlib is missing, the sizes differ, or an option is wrong.
    """
    matplotlib = require_matplotlib()
    check_same_size(original.shape, image.shape)
    if space not in SPACES:
        raise KmcInputError(f"space is {space!r}, must be {' or '.join(SPACES)}")
    if points < 1:
        raise KmcInputError(f"points is {points:,}, must be at least 1")
    sample = _even_sample(image.indices.size, points)
    colors, seen = _visible_colors(original.reshape(image.indices.size, -1)[sample])
    clusters = image.indices.ravel()[sample][seen]
    all_colors = histogram(original).colors
    distinct = int(_is_seen(all_colors).sum())
    width = (CONTENT - _GAP) / 2
    left, right = (
        Place(MARGIN + i * (width + _GAP), HEADING + TITLES, width, _HEIGHT) for i in (0, 1)
    )
    with matplotlib.rc_context(STYLE):
        page = Page(HEADING + TITLES + _HEIGHT + 0.25)
        page.heading(name, dimensions(image.width, image.height))
        shown = "every pixel" if len(sample) == image.indices.size else f"{len(sample):,} pixels"
        hidden = " but the transparent ones" * (distinct < len(all_colors))
        page.titles(
            left,
            color_count(distinct, all_colors.shape[1]),
            f"{shown}{hidden}, each in its own colour",
        )
        own = _Cloud(page, left, space, colors)
        own.pixels(colors)
        page.titles(
            right,
            _cluster_count(image.palette),
            "each pixel in the colour of its entry; large discs: much used entries",
        )
        grouped = _Cloud(page, right, space, colors)
        grouped.pixels(_without_alpha(image.palette)[clusters], alpha=0.45)
        grouped.centroids(image)
    return page.figure


def _cluster_count(palette: NDArray[np.uint8]) -> str:
    hidden = len(palette) - int(_is_seen(palette).sum())
    told = f", {hidden:,} transparent and not drawn" if hidden else ""
    return f"{len(palette):,} cluster{'' if len(palette) == 1 else 's'}{told}"


def _even_sample(count: int, most: int) -> NDArray[np.int64]:
    if count <= most:
        return np.arange(count)
    steps = np.arange(1, most + 1) * _GOLDEN % 1
    return np.unique((steps * count).astype(np.int64))


def _visible_colors(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return RGB of the visible pixels of shape (N, C), and a mask of them."""
    seen = _is_seen(pixels)
    return _without_alpha(pixels)[seen], seen


def _is_seen(colors: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return a mask of colours, shape (N, C), that are not fully transparent."""
    return colors[:, -1] > 0 if has_alpha(colors.shape[1]) else np.ones(len(colors), bool)


def _without_alpha(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    plain = colors[:, :-1] if has_alpha(colors.shape[1]) else colors
    return to_channels(plain, 3)


class _Cloud:
    """Three axes of a colour space, with room for colours of shape (N, 3)."""

    def __init__(self, page: Page, place: Place, space: str, colors: NDArray[np.uint8]) -> None:
        self._oklab = space == "oklab"
        self._at = self._coordinates(colors)
        axes: Any = page.axes(place, projection="3d", computed_zorder=False)
        axes.view_init(elev=18, azim=-62)
        axes.set_box_aspect((1, 1, 1), zoom=1.02)
        names, ticks = ("red", "green", "blue"), [[0.0, 128.0, 255.0]] * 3
        if self._oklab:
            names = ("a: green to red", "b: blue to yellow", "L: lightness")
            # Few images come near the limits of a and b, at 0.31.
            end = float(np.ceil(10 * np.abs(self._at[:, :2]).max(initial=0.01)) / 10)
            ticks = [[-end, 0.0, end], [-end, 0.0, end], [0.0, 0.5, 1.0]]
        for axis, label, at in zip("xyz", names, ticks, strict=True):
            room = (at[-1] - at[0]) / 16  # keeps numbers apart at the corners
            getattr(axes, f"set_{axis}lim")(at[0] - room, at[-1] + room)
            getattr(axes, f"set_{axis}label")(label, color=SOFT, fontsize=10, labelpad=2)
            getattr(axes, f"set_{axis}ticks")(at)
            ruler = getattr(axes, f"{axis}axis")
            ruler.set_pane_color("white")
            ruler.line.set_color(FAINT)
            # mplot3d has no public way to set these two.
            ruler._axinfo["grid"].update(color=FAINT, linewidth=0.8)
            ruler._axinfo["tick"].update(inward_factor=0, outward_factor=0)
        axes.tick_params(labelsize=9, labelcolor=SOFT, pad=0)
        self._axes = axes

    def pixels(self, colors: NDArray[np.uint8], alpha: float = 0.85) -> None:
        """Draw the pixels, in colours of shape (N, 3)."""
        light = to_oklab(colors)[:, 0] > _LIGHT * SCALE  # hardly visible on white
        self._axes.scatter(
            *self._at.T,
            c=colors / 255,
            s=7,
            alpha=alpha,
            edgecolors=OUTLINE,
            linewidths=np.where(light, HAIRLINE, 0),
            depthshade=False,
        )

    def centroids(self, image: IndexedImage) -> None:
        """Draw the visible entries; discs are larger for entries of many pixels."""
        colors, seen = _visible_colors(image.palette)
        counts = np.bincount(image.indices.ravel(), minlength=len(image.palette))[seen]
        area = np.sqrt(counts / max(1, counts.max(initial=0)))
        crowd = max(1, len(colors) / 24)
        self._axes.scatter(
            *self._coordinates(colors).T,
            c=colors / 255,
            s=np.maximum(_SMALLEST, _LARGEST * area) / crowd,
            # A dark edge would not show a dark disc among dark points.
            edgecolors=np.where(to_oklab(colors)[:, 0] < _DARK * SCALE, OUTLINE, INK).tolist(),
            linewidths=1 / crowd**0.25,
            alpha=1,
            depthshade=False,
            zorder=3,
        )

    def _coordinates(self, colors: NDArray[np.uint8]) -> NDArray[np.float64]:
        if not self._oklab:
            return colors.astype(float)
        lightness, a, b = to_oklab(colors).T
        return np.stack([a - NEUTRAL, b - NEUTRAL, lightness], axis=1) / SCALE
