"""A predictor that learns the weights of the neighbours (spec/context.md, section 6).

Normalised least mean squares, NLMS (Widrow and Hoff 1960; Nagumo and Noda 1967): the weights move
against the error of each pixel, by a step that does not depend on the spread of the colours.
"""

from __future__ import annotations

from collections.abc import Sequence

from kmcodec.coding.context.pixel import Pixel, Point

__all__ = ["LearnedColor"]

_NEIGHBORS = 14
_MOST = 65536


class LearnedColor:
    """NLMS weights of the neighbours' offsets from the average, the same for all coordinates.

    Parameters
    ----------
    colors : sequence of Point
        By symbol.
    """

    def __init__(self, colors: Sequence[Point]) -> None:
        self._colors = colors
        self._weights = [0] * _NEIGHBORS

    def expect(self, pixel: Pixel) -> None:
        """Fill in the predicted colour; the average must be set."""
        learned = []
        for average, offsets in zip(pixel.average, self._offsets(pixel), strict=True):
            moved = sum(u * a for u, a in zip(offsets, self._weights, strict=True))
            learned.append(min(255, max(0, average + (moved + 32768 >> 16))))
        pixel.learned = (learned[0], learned[1], learned[2])

    def learn(self, pixel: Pixel, symbol: int) -> None:
        """Move the weights towards a right prediction of this symbol."""
        errors = [v - p for v, p in zip(self._colors[symbol], pixel.learned, strict=True)]
        offsets = self._offsets(pixel)
        power = 256 + sum(u * u for of in offsets for u in of)
        shift = power.bit_length() - 5
        for i, us in enumerate(zip(*offsets, strict=True)):
            step = 256 * sum(e * u for e, u in zip(errors, us, strict=True)) >> shift
            self._weights[i] = min(_MOST, max(-_MOST, self._weights[i] + step))

    def _offsets(self, pixel: Pixel) -> list[list[int]]:
        """Return offsets by coordinate, then by neighbour."""
        near = [self._colors[symbol] for symbol in pixel.near[:_NEIGHBORS]]
        return [
            [level - average for level in levels]
            for average, levels in zip(pixel.average, zip(*near, strict=True), strict=True)
        ]
