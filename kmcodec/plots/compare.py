"""Draw an image beside its palette version, with the error of each pixel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import IndexedImage
from kmcodec.model.metrics import check_same_size, samples
from kmcodec.plots.output import require_matplotlib
from kmcodec.plots.page import CONTENT, HEADING, MARGIN, OUTLINE, SOFT, STYLE, TITLES, Page, Place
from kmcodec.plots.visible import SQUARES, error_map, visible
from kmcodec.plots.visible import reduced as scaled_down
from kmcodec.plots.words import (
    color_count,
    dimensions,
    original_line,
    percent,
    quality_line,
    score_line,
    size_line,
)
from kmcodec.quantization.histogram import histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = ["compare_figure"]

# In inches: between panels, and right of the error map for its colour bar.
_GAP, _SCALE = 0.35, 1.0
_TALLEST = 5.0
# The height of two rows of panels each.
_SQUARE = 3.8

_PALETTE_SHOWN = 256


def compare_figure(
    original: NDArray[np.uint8],
    image: IndexedImage,
    *,
    name: str,
    size: int,
    raw_size: int,
    psnr: float,
    reduced: bool = False,
    score: float | None = None,
    losses: NDArray[np.float32] | None = None,
) -> Figure:
    """Draw an image, its palette version, the error and loss of each pixel, and the palette.

    Parameters
    ----------
    original : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
    image : IndexedImage
        Of the same width and height.
    name : str
        The title.
    size : int
        Bytes of the `.kmc` file.
    raw_size : int
        Bytes of the raw pixels at 24 bits each.
    psnr : float
        Decibels, `math.inf` if no pixel differs.
    reduced : bool
        Whether reading the original lost something, such as bits of its samples.
    score : float, optional
        See `kmcodec.ssimulacra2`.
    losses : ndarray, shape (H, W), float32, optional
        Points of the score that each pixel costs; without them, that panel is left out.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.

    Raises
    ------
    KmcInputError
        If matplotlib is missing, or the sizes differ.
    """
    matplotlib = require_matplotlib()
    check_same_size(original.shape, image.shape)
    distinct, channels = histogram(original).colors.shape
    panels = 3 if score is None or losses is None else 4
    places, bottom = _panel_places(image.width / image.height, panels)
    with matplotlib.rc_context(STYLE):
        page = Page(bottom + 2.95)
        page.heading(name, dimensions(image.width, image.height))
        page.titles(places[0], "Original", original_line(distinct, channels, raw_size))
        page.picture(places[0], visible(original))
        entries = len(image.palette)
        page.titles(places[1], color_count(entries, image.channels), size_line(size, raw_size))
        page.picture(places[1], visible(image.to_array()))
        page.titles(places[2], "Error", quality_line(psnr, reduced))
        _draw_error(page, places[2], error_map(original, image))
        if score is not None and losses is not None:
            page.titles(places[3], "Loss", score_line(score))
            _draw_losses(page, places[3], scaled_down(losses))
        _draw_palette(page, bottom + 0.4, image)
    return page.figure


def _panel_places(aspect: float, panels: int) -> tuple[list[Place], float]:
    """Place panels side by side, two by two, or in a column for a wide image; return their end.

    The last of them, maps, have their scales on the right. An image much taller than wide is
    stretched in width to stay visible.
    """
    aspect = min(max(aspect, 1 / 16), 30)
    top = HEADING + TITLES
    if aspect > 4:
        width = CONTENT - _SCALE
        height = width / aspect
        step = height + TITLES + 0.3
        places = [Place(MARGIN, top + i * step, width, height) for i in range(panels)]
    elif panels == 4:
        across = 2 if aspect > 0.6 else 4
        column = (CONTENT - (across - 1) * _GAP) / across - _SCALE
        height = min(column / aspect, _SQUARE if aspect > 0.6 else 1.6 * _TALLEST)
        step = height + TITLES + 0.3
        places = [
            Place(
                MARGIN + i % across * (column + _SCALE + _GAP),
                top + i // across * step,
                height * aspect,
                height,
            )
            for i in range(panels)
        ]
    else:
        column = (CONTENT - _SCALE - 2 * _GAP) / 3
        height = min(column / aspect, _TALLEST if aspect >= 0.5 else 1.6 * _TALLEST)
        step = column + _GAP
        places = [Place(MARGIN + i * step, top, height * aspect, height) for i in range(3)]
    return places, places[-1].top + height


def _draw_error(page: Page, place: Place, errors: NDArray[np.float32]) -> None:
    """Draw the error map and its colour bar, with the unit at its top number."""
    from matplotlib.ticker import MaxNLocator

    steps = max(1, min(5, int(place.height / 0.4)))
    locator = MaxNLocator(steps, steps=[1, 2, 2.5, 5, 10], integer=True)
    # A few outliers may exceed the scale, so that the rest stays distinguishable.
    ticks = list(locator.tick_values(0, max(1.0, float(np.percentile(errors, 99.5)))))
    if place.height < 0.5:
        ticks = [ticks[0], ticks[-1]]
    shown = page.picture(place, errors, cmap="magma", vmin=0, vmax=ticks[-1])
    _draw_scale(page, place, shown, ticks, " levels" if ticks[-1] > 1 else " level")


def _draw_losses(page: Page, place: Place, losses: NDArray[np.float32]) -> None:
    """Draw what each pixel costs on a square-root scale: a few pixels may cost most of it."""
    from matplotlib.colors import PowerNorm

    most = max(1.0, float(np.percentile(losses, 99.5)))
    unit = 10 ** math.floor(math.log10(most / 2))
    top = next(unit * step for step in (4, 8, 20) if unit * step >= most)
    ticks = [0.0, top / 4, top] if place.height >= 0.5 else [0.0, top]
    shown = page.picture(place, losses, cmap="magma", norm=PowerNorm(0.5, 0, top))
    _draw_scale(page, place, shown, ticks, " points")


def _draw_scale(page: Page, place: Place, shown: AxesImage, ticks: list[float], unit: str) -> None:
    """Draw the colour bar of a map, with the unit at its top number."""
    bar = Place(place.left + place.width + 0.14, place.top, 0.13, place.height)
    extend = "max" if cast("Any", shown.get_array()).max() > ticks[-1] else "neither"
    scale = page.figure.colorbar(shown, cax=page.axes(bar), extend=extend, ticks=ticks)
    cast("Any", scale.outline).set_visible(False)
    labels = [f"{tick:,g}" for tick in ticks]
    labels[-1] += unit
    scale.ax.set_yticklabels(labels)
    scale.ax.tick_params(length=0, pad=4, labelsize=9.5, labelcolor=SOFT)


def _draw_palette(page: Page, top: float, image: IndexedImage) -> None:
    """Draw each palette entry as a swatch, below a bar for the pixels that use it."""
    entries = len(image.palette)
    counts = np.bincount(image.indices.ravel(), minlength=entries)
    chosen = np.sort(np.argsort(-counts, kind="stable")[:_PALETTE_SHOWN])
    shares = counts[chosen] / image.indices.size
    line = "share of the pixels that use each entry, on a square-root scale"
    if len(chosen) < entries:
        line = (
            f"the {len(chosen)} most used of {entries:,} entries: {percent(shares.sum())} "
            "of the pixels, on a square-root scale"
        )
    width = min(CONTENT, 1.1 * len(chosen))
    bars = Place(MARGIN, top + TITLES + 0.15, width, 1.0)
    page.titles(Place(MARGIN, top + TITLES, 0, 0), "Palette", line)
    _draw_bars(page.axes(bars), shares, image.palette[chosen])
    axes = page.axes(Place(MARGIN, bars.top + bars.height + 0.05, width, 0.32))
    axes.imshow(
        _swatches(image.palette[chosen]),
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, len(chosen) - 0.5, 0, 1),
    )
    axes.stairs([1], [-0.5, len(chosen) - 0.5], color=OUTLINE, linewidth=0.8, clip_on=False)
    _part(axes, len(chosen), 1)
    step = 1 if entries <= 32 else 2 ** math.ceil(math.log2(entries / 16))
    axes.set_xticks(range(0, entries, step) if len(chosen) == entries else [])
    axes.set_yticks([])
    axes.tick_params(length=0, pad=4, labelsize=9, labelcolor=SOFT)


def _draw_bars(axes: Axes, shares: NDArray[np.float64], palette: NDArray[np.uint8]) -> None:
    """Draw a skyline in the colours of a palette, shape (K, C), with numbers where they fit."""
    from matplotlib.collections import PolyCollection

    count = len(shares)
    (colors,) = samples(palette[np.newaxis], 4).astype(np.float32)
    colors = colors[:, :3] + (255 - colors[:, 3:]) * np.float32(np.mean(SQUARES) / 255)
    heights = np.sqrt(shares)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(0, heights.max())
    axes.set_axis_off()
    edges = np.arange(count + 1) - 0.5
    corners = [
        [(edges[i], 0), (edges[i], top), (edges[i + 1], top), (edges[i + 1], 0)]
        for i, top in enumerate(heights)
    ]
    # One artist is far faster than one for each bar; antialiasing would leave bright seams.
    axes.add_collection(
        PolyCollection(
            corners,
            facecolors=np.minimum(colors / 255, 1),
            linewidth=0,
            antialiased=False,
            clip_on=False,
        )
    )
    axes.stairs(heights, edges, color=OUTLINE, linewidth=0.8, clip_on=False)
    _part(axes, count, heights.max())
    for at in range(count) if count <= 20 else [int(heights.argmax())]:
        axes.annotate(
            percent(shares[at]),
            (at, heights[at]),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=SOFT,
        )


def _part(axes: Axes, count: int, height: float) -> None:
    """Draw white lines between `count` neighbours of width 1, unless they are narrow."""
    if count <= 64:
        axes.vlines(np.arange(1, count) - 0.5, 0, height, colors="white", linewidth=1.5, zorder=3)


def _swatches(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Paint a palette, shape (K, C), as a strip of equal swatches: uint8, shape (h, w, 3)."""
    each = max(1, 1600 // len(palette))
    strip = np.broadcast_to(palette, (48, *palette.shape)).repeat(each, axis=1)
    return visible(strip, limit=2000, square=8)
