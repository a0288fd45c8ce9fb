"""Find weak tints: large even areas that differ slightly in chroma from grey ones as bright.

The squared error hardly tells a pale blue panel from a grey one as bright, so k-means gives both
one entry where entries are few. People see the panel disappear. Areas are found from the means of
blocks, so noise is no tint, and neither are the slices of a gradient: areas must be apart in
chroma, with hardly a block between.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.distinct import distinct_keys
from kmcodec.quantization.oklab import NEUTRAL, to_oklab

__all__ = ["find_tints", "lost_tint"]

_BLOCK = 8
# The greatest range of a channel in an even block: what grain and the grid of a screen have.
_EVEN = 40
# An area has at least a 64th of the blocks, and at least so many.
_SHARE, _LEAST = 64, 4
_MOST_AREAS, _MOST_BLOCKS = 24, 8192
# Units of Oklab. An area reaches so far from its middle in lightness and in chroma; up to twice as
# far in chroma there are at most a third as many blocks.
_LIGHT, _CHROMA = 100, 12
# Areas as bright differ at most so much in lightness; their chroma is apart, but not by an accent;
# and one has hardly any: beside strong colours nobody sees a weak tint.
_ALIKE, _APART, _MOST_APART, _GREY = 200, 24, 240, 48
_CELL = 4


def find_tints(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pairs of large even areas that differ by a weak tint.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8

    Returns
    -------
    ndarray, shape (N, 2, 3), uint8
        Mean colours; none for an image in grey. Of an image with alpha only opaque blocks count.
    """
    pairs: list[NDArray[np.uint8]] = []
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        areas = _areas(*_even_blocks(pixels))
        places = to_oklab(areas)
        grey = (np.square(places[:, 1:] - NEUTRAL).sum(axis=1) <= _GREY**2).tolist()
        for second in range(1, len(areas)):
            for first in range(second):
                light, *chroma = np.abs(places[second] - places[first]).tolist()
                apart = sum(c * c for c in chroma)
                weak = grey[first] or grey[second]
                if weak and light <= _ALIKE and _APART**2 <= apart <= _MOST_APART**2:
                    pairs.append(areas[[first, second]])
    return np.array(pairs, np.uint8).reshape(-1, 2, 3)


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


def _even_blocks(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int]:
    """Return the mean colours of the even blocks, shape (N, 3), and the number of all blocks.

    Of large images only some rows of blocks are looked at.
    """
    rows, columns = pixels.shape[0] // _BLOCK, pixels.shape[1] // _BLOCK
    chosen = range(0, rows, max(1, rows * columns // _MOST_BLOCKS))
    means = [np.zeros((0, 3), np.int64)]
    for row in chosen:
        band = pixels[row * _BLOCK : (row + 1) * _BLOCK, : columns * _BLOCK]
        by_column = (columns, _BLOCK, pixels.shape[2])
        # Reduce rows first: they are contiguous.
        low = band.min(axis=0).reshape(by_column).min(axis=1)
        high = band.max(axis=0).reshape(by_column).max(axis=1)
        even = (high[:, :3] - low[:, :3] <= _EVEN).all(axis=1)
        if pixels.shape[2] == 4:
            even &= low[:, 3] == 255
        sums = band.sum(axis=0, dtype=np.uint16).reshape(by_column).sum(axis=1, dtype=np.int64)
        means.append((2 * sums[even, :3] + _BLOCK**2) // (2 * _BLOCK**2))
    return np.concatenate(means), len(chosen) * columns


def _areas(means: NDArray[np.int64], blocks: int) -> NDArray[np.uint8]:
    """Return the mean colours of areas, the largest first."""
    least = max(_LEAST, blocks // _SHARE)
    found: list[tuple[int, NDArray[np.uint8]]] = []
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
    return np.array([color for _, color in found], np.uint8).reshape(-1, 3)
