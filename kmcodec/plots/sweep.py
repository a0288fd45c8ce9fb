"""Draw the cost of each K: curves over K, and the image at each K."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.image import IndexedImage
from kmcodec.model.metrics import check_same_size
from kmcodec.plots.output import require_matplotlib
from kmcodec.plots.page import (
    ACCENT,
    CONTENT,
    FAINT,
    HEADING,
    INK,
    MARGIN,
    SOFT,
    STYLE,
    TITLES,
    WIDTH,
    Page,
    Place,
)
from kmcodec.plots.visible import visible
from kmcodec.plots.words import axis_unit, dimensions, short_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Row", "sweep_figure"]


class Row(Protocol):
    """The attributes that `sweep_figure` needs; `kmcodec.plots.sweep_rows.SweepRow` has them."""

    @property
    def k(self) -> int:
        """Requested palette entries."""

    @property
    def entries(self) -> int:
        """Actual palette entries."""

    @property
    def inertia(self) -> float:
        """Sum of squared errors over all pixels and channels."""

    @property
    def psnr(self) -> float:
        """Decibels, `math.inf` if no pixel differs."""

    @property
    def size(self) -> int:
        """Bytes of the `.kmc` file."""

    @property
    def ratio(self) -> float:
        """Bytes of the raw pixels at 24 bits each, over `size`."""

    @property
    def image(self) -> IndexedImage:
        """The palette image."""


def sweep_figure(
    original: NDArray[np.uint8], rows: Sequence[Row], *, name: str, reduced: bool = False
) -> Figure:
    """Draw inertia, PSNR and bytes over K, and the image at each K.

    Parameters
    ----------
    original : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
    rows : sequence of Row
        At least one; shown in ascending order of K.
    name : str
        The title.
    reduced : bool
        Whether reading the original lost something, such as bits of its samples.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.

    Raises
    ------
    KmcInputError
        If matplotlib is missing, `rows` is empty, or the sizes differ.
    """
    matplotlib = require_matplotlib()
    if not rows:
        raise KmcInputError("a figure of a sweep needs at least one K")
    for row in rows:
        check_same_size(original.shape, row.image.shape)
    rows = sorted(rows, key=lambda row: row.k)
    height, width = original.shape[:2]
    notes = any(row.entries < row.k for row in rows)
    places, bottom = _sheet_places(len(rows) + 1, width / height, HEADING + 3.7, notes)
    perfect = "PSNR ∞" if reduced else "lossless"
    with matplotlib.rc_context(STYLE):
        page = Page(bottom)
        page.heading(name, dimensions(width, height))
        _draw_curves(page, rows, 3 * width * height, perfect)
        for place, row in zip(places, rows, strict=False):
            quality = perfect if math.isinf(row.psnr) else f"{row.psnr:.1f} dB"
            page.picture(place, visible(row.image.to_array(), limit=500))
            note = f"needs only {row.entries:,}" if row.entries < row.k else ""
            page.caption(place, f"K = {row.k}, {quality}, {short_size(row.size)}", note)
        page.picture(places[-1], visible(original, limit=500))
        page.caption(places[-1], f"Original, 24 bits, {short_size(3 * width * height)}", "")
    return page.figure


def _sheet_places(count: int, aspect: float, top: float, notes: bool) -> tuple[list[Place], float]:
    """Place a contact sheet of even rows from `top` down; also return its end."""
    aspect = min(max(aspect, 1 / 12), 40)
    most = 5 if aspect <= 3 else 2 if aspect <= 10 else 1
    lines = math.ceil(count / most)
    across = max(math.ceil(count / lines), min(most, 3))
    gap = 0.3
    column = (CONTENT - (across - 1) * gap) / across
    height = min(column / aspect, 2.8 if aspect >= 0.5 else 4.8)
    width = height * aspect
    step = height + (0.68 if notes else 0.5)
    places = [
        Place(MARGIN + i % across * (column + gap), top + i // across * step, width, height)
        for i in range(count)
    ]
    return places, top + lines * step + 0.1


def _draw_curves(page: Page, rows: Sequence[Row], raw_size: int, perfect: str) -> None:
    """Draw inertia, PSNR and bytes over K; `perfect` names a lossless result."""
    top = HEADING + TITLES
    column = (CONTENT - 2 * 0.5) / 3
    tops = [Place(MARGIN + i * (column + 0.5), top, column, 2.2) for i in range(3)]
    charts = [Place(p.left + 0.45, p.top + 0.12, p.width - 0.45, p.height) for p in tops]

    unit, word = axis_unit(max(row.inertia for row in rows))
    page.titles(tops[0], "Inertia", f"sum of squared errors{word}")
    _draw_curve(page.axes(charts[0]), rows, [row.inertia / unit for row in rows])

    page.titles(tops[1], "PSNR", "in dB, more is better")
    _draw_quality(page.axes(charts[1]), rows, perfect)

    largest = max(row.size for row in rows)
    unit, word = (1, "in bytes") if largest < 1000 else (1000, "in kB")
    if largest >= 1_000_000:
        unit, word = 1_000_000, "in MB"
    page.titles(tops[2], "File size", f"{word}; raw at 24 bits: {short_size(raw_size)}")
    _draw_curve(page.axes(charts[2]), rows, [row.size / unit for row in rows])


def _draw_curve(axes: Axes, rows: Sequence[Row], values: Sequence[float]) -> None:
    """Draw values over K from zero up; the points of rows without a difference are hollow."""
    from matplotlib.ticker import MaxNLocator

    k = [row.k for row in rows]
    axes.plot(k, values, color=ACCENT, linewidth=1.8, clip_on=False, zorder=3)
    for row, value in zip(rows, values, strict=True):
        _draw_point(axes, row, value)
    highest = max(values)
    ticks = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, highest) if highest else [0]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(0, ticks[-1] or 1)
    _draw_k_axis(axes, k)


def _draw_quality(axes: Axes, rows: Sequence[Row], perfect: str) -> None:
    """Draw PSNR over K; rows without a difference, of infinite PSNR, go into a band on top."""
    from matplotlib.ticker import MaxNLocator

    finite = [row.psnr for row in rows if math.isfinite(row.psnr)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    room = max(high - low, 6.0)
    values = [row.psnr if math.isfinite(row.psnr) else high + 0.3 * room for row in rows]
    axes.plot([row.k for row in rows], values, color=ACCENT, linewidth=1.4, linestyle=":")
    known = [row.psnr if math.isfinite(row.psnr) else math.nan for row in rows]
    axes.plot([row.k for row in rows], known, color=ACCENT, linewidth=1.8)
    for row, value in zip(rows, values, strict=True):
        _draw_point(axes, row, value)
    exact = [row.k for row in rows if math.isinf(row.psnr)]
    bottom, top = low - 0.15 * room, high + 0.15 * room
    axes.set_ylim(bottom, top + (0.4 * room if exact else 0))
    ticks = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(bottom, top) if finite else ()
    ticks = [tick for tick in ticks if bottom <= tick <= top]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    _draw_k_axis(axes, [row.k for row in rows])
    if exact:
        # Centred on them, but within the sides of the chart.
        left, right = (math.log2(limit) for limit in axes.get_xlim())
        middle = (math.log2(exact[0]) + math.log2(exact[-1])) / 2
        half = (right - left) * 0.12
        at = 2 ** min(max(middle, left + half), right - half)
        axes.annotate(
            perfect,
            (at, values[-1]),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
            color=ACCENT,
        )


def _draw_point(axes: Axes, row: Row, value: float) -> None:
    face = "white" if math.isinf(row.psnr) else ACCENT
    axes.plot(
        [row.k],
        [value],
        marker="o",
        markersize=6,
        markerfacecolor=face,
        markeredgecolor=ACCENT,
        markeredgewidth=1.5,
        clip_on=False,
        zorder=4,
    )


def _draw_k_axis(axes: Axes, k: Sequence[int]) -> None:
    """Give each K a tick, and a number if it fits, powers of two first."""
    from matplotlib.ticker import NullLocator

    left, right = math.log2(k[0]) - 0.3, math.log2(k[-1]) + 0.3
    axes.set_xscale("log", base=2)
    axes.set_xlim(2**left, 2**right)
    scale = axes.get_position().width * WIDTH / (right - left)
    numbered: dict[int, tuple[float, float]] = {}  # each with its extent in inches
    for each in sorted(set(k), key=lambda each: (each & (each - 1) != 0, each)):
        at, half = math.log2(each) * scale, 0.04 * len(str(each)) + 0.03
        if all(at + half <= start or end <= at - half for start, end in numbered.values()):
            numbered[each] = (at - half, at + half)
    axes.set_xticks(k, [str(each) if each in numbered else "" for each in k])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("K", fontsize=10.5, color=INK, labelpad=4)
    axes.grid(axis="y", color=FAINT, linewidth=1)
    axes.set_axisbelow(True)
    axes.axhline(axes.get_ylim()[0], color=SOFT, linewidth=1, zorder=1)
    axes.tick_params(axis="y", length=0, pad=6, labelsize=9.5, labelcolor=SOFT)
    axes.tick_params(axis="x", length=3, color=SOFT, labelsize=9.5, labelcolor=SOFT)
