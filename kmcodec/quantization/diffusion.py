"""Error diffusion by Floyd and Steinberg, and the search for the nearest entry.

All arithmetic is in whole numbers, in 1/16 of a level. A compiled kernel runs the inner loops if
available; this module holds its twin.

Diffusion looks at the source, not at the errors alone:

- Error passes only between pixels of similar colours: all of it within a radius (`Reach.near`),
  none from twice that radius on. So edges stop it, and leave no specks beside them.
- A pixel with few similar neighbours among those already placed takes its nearest entry and passes
  no error on: thin lines and texture stay as they are.
- So does a pixel of a flat area, unless the nearest entry is far. An area is flat if its pixels
  are equal and no slight difference is near: a slow gradient has steps, a patch of a drawing has
  only edges. Each pixel passes on how far away the last slight difference is.

Without these rules (amount 0.5, K = 16, 32), 45 and 43 % of 144 random patches of 40 pixels a side
are speckled; with them 19 and 3 %.

A slow ramp, where no neighbour is more than a level away in any channel, passes half as much again
on: bands show most there. With a palette of 8 colours, a drawn gradient reaches 53, 60, 65 and 70
(SSIMULACRA2) in 215, 261, 307 and 895 bytes with 1, 1.25, 1.5 and 2 times the amount of 0.5.

Measurements (`dither` says how):

- Diffusing in stored values reaches 33.3, 42.0 and 49.9 dB; in linear light, with the entry chosen
  by stored values, 32.4, 40.8 and 48.3 dB. "As seen", linear light leads by 0.1 to 0.2 dB (at most
  1.1 on one photo), but shifts the mean colour further; side by side neither looks better. So
  errors are always diffused in stored values.
- Without the clamp of carried errors (`error_limit`) the result is 32.8, 41.6 and 49.6 dB, and
  stray dots trail from colours that the palette cannot mix.
- Exact pixels absorb the errors that reach them. Passing errors on changes no colour photo by more
  than 0.05 dB; grey ones, half of whose pixels are exact at K = 64, would gain up to 0.45 dB at
  over 54 dB. Absorbing keeps flat, exact areas unchanged beside dithered ones.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import warn
from kmcodec.parallel import heed_stop
from kmcodec.quantization import kernels
from kmcodec.quantization.colorspace import has_alpha

__all__ = [
    "FRESH",
    "KEPT",
    "LIKE",
    "SHARE_BITS",
    "STEPS",
    "WHOLE",
    "Diffusion",
    "PythonEntries",
    "Reach",
    "coordinates_of",
    "error_limit",
    "gaps_of",
    "searchable",
    "shown",
    "warn_of_slowness",
]

STEPS = 16
"""Steps to a level."""

SHARE_BITS = 8
"""Fractional bits of a share of the errors."""


# The numbers below are also in `_dither.pyx`.

# Shares of an error, in 1/16, for the pixels behind, above and behind, above, above and ahead.
_SHARES = (7, 1, 5, 3)

WHOLE = 256
"""A weight of 1."""

LIKE = 12 * WHOLE
"""The least sum of weights, in 1/16, of the neighbours of a pixel that is dithered."""

FRESH = 48
"""Number of equal pixels after which a slight difference is forgotten."""

# Radius within which all error passes, in levels of one channel; beyond twice as much none does.
_NEAR = 7
# Greatest distance of a flat area from its entry, in levels of one channel.
_FLAT = 32

# How much larger the share is in slow ramps, in 1/4; the whole error is the most.
_SLOW = 6

KEPT = -2
"""Mark of a pixel that keeps entry 0; one that keeps entry n has `KEPT - n`."""


class Reach(NamedTuple):
    """What decides where error goes; see the module."""

    share: int
    """Share of the errors to pass on, in 1/256."""
    slow: int
    """The same for pixels of a slow ramp, whose neighbours differ by at most a level."""
    limit: int
    """Limit of carried errors, in steps."""
    near: int
    """Squared distance in levels within which all error passes; from four times it on none does."""
    flat: int
    """Squared distance in steps within which a flat area takes its nearest entry."""

    @classmethod
    def of(cls, palette: NDArray[np.uint8], share: int) -> Reach:
        """Return the reach for a palette: coarse palettes, such as black and white, reach wider."""
        channels = palette.shape[1]
        colors = channels - has_alpha(channels)
        gaps = gaps_of(palette)
        # A quarter of the median gap.
        typical = gaps[len(gaps) // 2] // (4 * STEPS) ** 2 if gaps else 0
        near = max(colors * _NEAR**2, typical)
        slow = min(share * _SLOW // 4, 1 << SHARE_BITS)
        return cls(share, slow, error_limit(palette), near, colors * (STEPS * _FLAT) ** 2)


class Diffusion:
    """Fill in the entries of an image row by row, every other row backwards.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
        Contiguous.
    share : int
        Share of the errors to pass on, in 1/256.
    """

    def __init__(self, palette: NDArray[np.uint8], share: int) -> None:
        if kernels.Entries is None:
            warn_of_slowness()
        self._entries, self._reach = searchable(palette), Reach.of(palette, share)
        self._rows_done = 0
        self._above: tuple[NDArray[np.uint8], NDArray[np.intc]] | None = None

    def fill(self, pixels: NDArray[np.uint8], indices: NDArray[np.intp]) -> None:
        """Fill in the indices of the next rows that are negative.

        Parameters
        ----------
        pixels : ndarray, shape (rows, W, C), uint8
            Contiguous.
        indices : ndarray, shape (rows, W), intp
            -1, or `KEPT - n` where a pixel keeps entry n and only its error is diffused.
        """
        above, over = self._above or (None, None)
        spare = None
        for row, wanted in zip(pixels, indices, strict=True):
            here = np.empty((len(row), row.shape[1] + 1), np.intc) if spare is None else spare
            backwards = bool(self._rows_done % 2)
            self._entries.diffuse_row(row, above, wanted, here, over, backwards, *self._reach)
            above, over, spare = row, here, over
            self._rows_done += 1
        if above is not None and over is not None:
            self._above = above.copy(), over


@functools.cache
def warn_of_slowness() -> None:
    warn("no compiled kernels: floyd-steinberg dithering is slow")


# --- coordinates ------------------------------------------------------------------------------


def shown(samples: Any, alpha: Any) -> Any:
    """Return the coordinates of samples at some alpha; ints or arrays of int64.

    Unlike in `colorspace` they are premultiplied, and in 1/16 of a level: 0 to 4080.
    """
    return (STEPS * samples * alpha + 127) // 255


def coordinates_of(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the coordinates of colours, shape (N, C); any alpha stays last."""
    coordinates = colors.astype(np.int64)
    if has_alpha(colors.shape[1]):
        alpha = coordinates[:, -1:].copy()
        coordinates[:, -1] = 255
        return np.asarray(shown(coordinates, alpha))
    return STEPS * coordinates


def error_limit(palette: NDArray[np.uint8]) -> int:
    """Return the limit of carried errors: 3/4 of the widest gap of the palette, in steps.

    A lower limit would leave two parts of the palette that cannot be mixed. Under a higher one
    errors pile up where the palette has no colours to compensate, and come out where they do not
    belong.
    """
    return math.isqrt(max(gaps_of(palette), default=0)) * 3 // 4


def gaps_of(palette: NDArray[np.uint8]) -> list[int]:
    """Return the squared gaps of a palette in ascending order, in squared steps.

    Gaps are the edges of the minimum spanning tree of the colours (found by Prim's algorithm).
    """
    if has_alpha(palette.shape[1]):
        palette = palette[palette[:, -1] > 0, :-1]
    points = STEPS * np.unique(palette, axis=0).astype(np.int64)
    # Pick entries evenly from large palettes: that can only widen gaps.
    points = points[:: max(1, len(points) >> 9)]
    distances = np.full(len(points), np.iinfo(np.int64).max)
    nearest, gaps = 0, []
    for _ in range(len(points) - 1):
        joined, points = points[nearest], np.delete(points, nearest, axis=0)
        distances = np.delete(distances, nearest)
        distances = np.minimum(distances, ((points - joined) ** 2).sum(axis=1))
        nearest = int(distances.argmin())
        gaps.append(int(distances[nearest]))
    return sorted(gaps)


# --- the entries, compiled or not -------------------------------------------------------------


def searchable(palette: NDArray[np.uint8]) -> Any:
    """Return the searchable entries of a palette: compiled, or their twin.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
        Contiguous.

    Returns
    -------
    PythonEntries or its compiled twin
    """
    return (kernels.Entries or PythonEntries)(palette, coordinates_of(palette))


class PythonEntries:
    """The entries of a palette: the twin of the compiled `Entries`, with the same results.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
        Contiguous.
    coordinates : ndarray, shape (K, C), int64
    """

    def __init__(self, palette: NDArray[np.uint8], coordinates: NDArray[np.int64]) -> None:
        self._palette = palette.tolist()
        self._alpha_at = palette.shape[1] - 1 if has_alpha(palette.shape[1]) else None
        self._doubled = 2.0 * coordinates.T
        self._coordinates = coordinates.tolist()
        self._norms = (coordinates * coordinates).sum(axis=1).astype(np.float64)

    def nearest(self, points: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the nearest entry of each point, shape (N, C), ties to the lower index."""
        nearest = np.empty(len(points), np.intp)
        step = max(1, (1 << 18) // len(self._norms))
        for start in range(0, len(points), step):
            heed_stop()
            # Whole numbers below 2**53 throughout, so exact; argmin takes the first of equals.
            table = self._norms - points[start : start + step].astype(np.float64) @ self._doubled
            nearest[start : start + step] = table.argmin(axis=1)
        return nearest

    def diffuse_row(
        self,
        pixels: NDArray[np.uint8],
        above: NDArray[np.uint8] | None,
        indices: NDArray[np.intp],
        here: NDArray[np.intc],
        over: NDArray[np.intc] | None,
        backwards: bool,
        *reach: int,
    ) -> None:
        """Fill in the indices of a row that are negative, and leave its errors.

        Parameters
        ----------
        pixels, above : ndarray, shape (W, C), uint8
            This row and the one above; None above the first.
        indices : ndarray, shape (W,), intp
        here, over : ndarray, shape (W, C + 1), intc
            What each pixel of this row (to be filled in) and of the one above passes on: its
            error by channel, and last for how many equal pixels a slight difference counts.
        backwards : bool
            From right to left.
        *reach : int
            See `Reach`.
        """
        share, slow, limit, near, flat = reach
        # Rows as lists, by whether they are above.
        colors = pixels.tolist(), [] if above is None else above.tolist()
        trails: tuple[list[list[int]], list[list[int]]]
        trails = [[] for _ in colors[0]], [] if over is None else over.tolist()
        ahead = -1 if backwards else 1
        for x in range(len(pixels))[::ahead]:
            color, index = colors[0][x], int(indices[x])
            received, likeness, fresh, farthest = _received(colors, trails, x, ahead, near)
            error = [0] * len(color)
            trails[0][x] = [*error, fresh]
            if index >= 0:
                continue
            alpha = 255 if self._alpha_at is None else color[self._alpha_at]
            wanted = [shown(s, alpha) for s in color[: self._alpha_at]]
            wanted += [STEPS * alpha] * (len(color) - len(wanted))
            if not fresh or likeness < LIKE:
                nearest = self._nearest(wanted)
                if likeness < LIKE or self._distance(wanted, nearest) <= flat:
                    indices[x] = nearest if index > KEPT else KEPT - index
                    continue
            slow_ramp = fresh and farthest <= len(color[: self._alpha_at])
            used = slow if slow_ramp else share
            for c in range(len(color[: self._alpha_at])):
                # Shifting rounds halves up.
                move = (received[c] * used + (1 << _MOVE_BITS - 1)) >> _MOVE_BITS
                moved = wanted[c] + min(max(move, -limit), limit)
                wanted[c] = min(max(moved, 0), STEPS * alpha)
            indices[x] = self._nearest(wanted) if index > KEPT else KEPT - index
            entry = self._palette[indices[x]]
            if self._alpha_at is not None and entry[-1] == 0:
                # A transparent entry has no visible colour, so no error.
                continue
            for c, sample in enumerate(entry[: self._alpha_at]):
                trails[0][x][c] = wanted[c] - shown(sample, alpha)
        here[:] = trails[0]

    def _nearest(self, wanted: list[int]) -> int:
        return int(self.nearest(np.array([wanted]))[0])

    def _distance(self, wanted: list[int], entry: int) -> int:
        return sum((w - c) ** 2 for w, c in zip(wanted, self._coordinates[entry], strict=True))


# A received error is in 1/16 of 1/256 of a step; its share comes in 1/256.
_MOVE_BITS = 4 + 8 + SHARE_BITS


def _received(
    colors: tuple[list[list[int]], list[list[int]]],
    trails: tuple[list[list[int]], list[list[int]]],
    x: int,
    ahead: int,
    near: int,
) -> tuple[list[int], int, int, int]:
    """Return what a pixel receives from its neighbours.

    Returns
    -------
    received : list of int
        The error by channel.
    likeness : int
        How similar the neighbours are.
    fresh : int
        For how many equal pixels a slight difference counts.
    farthest : int
        The greatest squared distance to a neighbour.
    """
    color = colors[0][x]
    received, likeness, fresh, farthest = [0] * len(color), 0, 0, 0
    for place, part in enumerate(_SHARES):
        row, other = min(place, 1), x + (-ahead, -ahead, 0, ahead)[place]
        if not 0 <= other < len(colors[row]):
            # Beyond the image: no error, but no edge either.
            likeness += part * WHOLE
            continue
        distance = sum((a - b) ** 2 for a, b in zip(color, colors[row][other], strict=True))
        farthest = max(farthest, distance)
        if distance >= 4 * near:
            continue
        excess = max(distance - near, 0)
        weight = part * (WHOLE - excess * WHOLE // (3 * near))
        trail = trails[row][other]
        likeness += weight
        fresh = max(fresh, FRESH if distance else trail[-1] - 1)
        for c in range(len(color)):
            received[c] += weight * trail[c]
    return received, likeness, fresh, farthest
