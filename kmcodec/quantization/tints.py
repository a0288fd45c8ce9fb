"""Find weak tints: large even areas that differ slightly in chroma from grey ones as bright.

The squared error hardly tells a pale blue panel from a grey one as bright, so k-means gives both
one entry where entries are few. People see the panel disappear. Areas are found from the means of
blocks, so noise is no tint, and neither are the slices of a gradient: areas must be apart in
chroma, with hardly a block between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.keys import keys_of
from kmcodec.quantization.distinct import distinct_keys
from kmcodec.quantization.even_blocks import EvenBlocks
from kmcodec.quantization.oklab import NEUTRAL, to_oklab

__all__ = ["Tints", "find_tints", "lost_tint", "no_tints"]

# An area has at least a 64th of the blocks, and at least so many.
_SHARE, _LEAST = 64, 4
_MOST_AREAS = 24
# Units of Oklab. An area reaches so far from its middle in lightness and in chroma; up to twice as
# far in chroma there are at most a third as many blocks.
_LIGHT, _CHROMA = 100, 12
# Areas as bright differ at most so much in lightness; their chroma is apart, but not by an accent;
# and one has hardly any: beside strong colours nobody sees a weak tint.
_ALIKE, _APART, _MOST_APART, _GREY = 200, 24, 240, 48
_CELL = 4
# At most so many pairs count, and one of those alike but for the lowest bits.
_MOST_TINTS, _LOW_BITS = 16, 2


@dataclass(frozen=True, eq=False)
class Tints:
    """Pairs of large even areas that differ by a weak tint, the largest first.

    Parameters
    ----------
    pairs : ndarray, shape (N, 2, 3), uint8
        Mean colours.
    sizes : ndarray, shape (N,), int64
        Blocks of the smaller area of each.
    """

    pairs: NDArray[np.uint8]
    sizes: NDArray[np.int64]

    def __add__(self, other: Tints) -> Tints:
        """Return the largest pairs of two images, each as large as in its own.

        The order of many images does not matter.
        """
        pairs = np.concatenate([self.pairs, other.pairs])
        return _largest(pairs, np.append(self.sizes, other.sizes))


def no_tints() -> Tints:
    """Return the tints of no image, to add others to."""
    return Tints(np.zeros((0, 2, 3), np.uint8), np.zeros(0, np.int64))


def find_tints(blocks: EvenBlocks) -> Tints:
    """Return the pairs of large even areas of an image that differ by a weak tint.

    Parameters
    ----------
    blocks : EvenBlocks
    """
    areas, counts = _areas(blocks)
    pairs, sizes = [], []
    places = to_oklab(areas)
    grey = (np.square(places[:, 1:] - NEUTRAL).sum(axis=1) <= _GREY**2).tolist()
    for second in range(1, len(areas)):
        for first in range(second):
            light, *chroma = np.abs(places[second] - places[first]).tolist()
            apart = sum(c * c for c in chroma)
            weak = grey[first] or grey[second]
            if weak and light <= _ALIKE and _APART**2 <= apart <= _MOST_APART**2:
                pairs.append(areas[[first, second]])
                sizes.append(counts[second] * blocks.step)
    return _largest(np.array(pairs, np.uint8).reshape(-1, 2, 3), np.array(sizes, np.int64))


def lost_tint(pair: NDArray[np.uint8], entries: NDArray[np.uint8]) -> int | None:
    """Return which area of a pair is farther from its entry if they hide the tint, else None.

    The tint is kept if its error is at most a third of it: then the hue is at most 20 degrees off.

    Parameters
    ----------
    pair, entries : ndarray, shape (2, 3), uint8
    """
    own, shown = (to_oklab(colors)[:, 1:] for colors in (pair, entries))
    tint, error = own[1] - own[0], (own[1] - own[0]) - (shown[1] - shown[0])
    if 9 * int(error @ error) <= int(tint @ tint):
        return None
    # The last of equals is the smaller area.
    return int(1 - np.square(own - shown).sum(axis=1)[::-1].argmax())


def _largest(pairs: NDArray[np.uint8], sizes: NDArray[np.int64]) -> Tints:
    # Of equal sizes those with the least levels first, whatever image they are from.
    order = np.lexsort((keys_of(pairs[:, 1]), keys_of(pairs[:, 0]), -sizes))
    levels = pairs[order].reshape(-1, 6) >> np.uint8(_LOW_BITS)
    _, places = np.unique(levels, axis=0, return_index=True)
    kept = order[np.sort(places)[:_MOST_TINTS]]
    return Tints(pairs[kept], sizes[kept])


def _areas(blocks: EvenBlocks) -> tuple[NDArray[np.uint8], list[int]]:
    """Return the mean colours of areas, the largest first, and how many blocks they have."""
    least = max(_LEAST, blocks.count // _SHARE)
    found: list[tuple[int, NDArray[np.uint8]]] = []
    means = blocks.means
    places = to_oklab(means.astype(np.uint8))
    for _ in range(_MOST_AREAS):
        if len(means) < least:
            break
        cells = places // (_LIGHT, _CELL, _CELL)
        _, numbers = distinct_keys((cells[:, 0] << 20) | (cells[:, 1] << 10) | cells[:, 2])
        fullest = int(np.bincount(numbers).argmax())
        inside = numbers == fullest
        middle = places[inside].sum(axis=0) // int(inside.sum())
        away = np.abs(places - middle)
        chroma = np.where(away[:, 0] <= _LIGHT, away[:, 1:].max(axis=1), 3 * _CHROMA)
        own, near = chroma <= _CHROMA, chroma <= 2 * _CHROMA
        size, around = int(own.sum()), int(near.sum())
        if size >= least and 3 * (around - size) <= size:
            mean = (2 * means[own].sum(axis=0) + size) // (2 * size)
            found.append((size, mean.astype(np.uint8)))
        # The blocks on the border of an area are no area.
        means, places = means[~near], places[~near]
    found.sort(key=lambda area: -area[0])
    colors = np.array([color for _, color in found], np.uint8).reshape(-1, 3)
    return colors, [size for size, _ in found]
