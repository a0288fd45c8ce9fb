"""Nearest entries of the pixels of images that are larger than memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import index_dtype
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.parallel import heed_stop
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.distinct import distinct_keys
from kmcodec.quantization.histogram import Histogram

__all__ = ["Labels"]

_MOST_TABLE_BITS = 24
# Pixels to look up at a time.
_GROUP = 1 << 18


class Labels:
    """The palette entry of each colour; each colour is searched for once.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
    space : str
        See `nearest_entries`.
    known : tuple of Histogram and ndarray, shape (N,), optional
        All colours that occur, and their entries; by default the nearest entries.
    """

    def __init__(
        self,
        palette: NDArray[np.uint8],
        space: str,
        known: tuple[Histogram, NDArray[Any]] | None = None,
    ) -> None:
        self._palette = palette
        self._space = space
        self._dtype = index_dtype(len(palette))
        self._known = known
        self._table: NDArray[np.int32] | None = None
        if 8 * palette.shape[1] <= _MOST_TABLE_BITS:
            # Holds the entry plus one, or 0 if unknown: zeros that are never written take no
            # memory.
            self._table = np.zeros(1 << (8 * palette.shape[1]), np.int32)
            if known is not None:
                self._table[keys_of(known[0].colors)] = known[1].astype(np.int32) + 1

    def of(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the entries of pixels of shape (H, W, C); threads may share this object.

        Returns
        -------
        ndarray, shape (H, W), uint8 for up to 256 entries, else uint16
        """
        flat = pixels.reshape(-1, pixels.shape[2])
        indices = np.empty(len(flat), self._dtype)
        of_group = self._by_sorting if self._table is None else self._by_table
        for start in range(0, len(flat), _GROUP):
            heed_stop()
            indices[start : start + _GROUP] = of_group(flat[start : start + _GROUP])
        return indices.reshape(pixels.shape[:2])

    def _by_table(self, flat: NDArray[np.uint8]) -> NDArray[Any]:
        assert self._table is not None
        keys = keys_of(flat)
        numbers = np.take(self._table, keys)
        unknown = numbers == 0
        if unknown.any():
            missing = np.unique(keys[unknown])
            found = self._looked_up(colors_of(missing, flat.shape[1]))
            # Another thread may write the same value at the same time: harmless.
            self._table[missing] = found + 1
            numbers = np.take(self._table, keys)
        return numbers - 1

    def _by_sorting(self, flat: NDArray[np.uint8]) -> NDArray[Any]:
        distinct, inverse = distinct_keys(keys_of(flat))
        labels = self._looked_up(colors_of(distinct, flat.shape[1]))
        return np.asarray(labels[inverse])

    def _looked_up(self, colors: NDArray[np.uint8]) -> NDArray[Any]:
        if self._known is None or self._table is not None:
            return nearest_entries(colors, self._palette, self._space)
        known, labels = self._known
        return labels[np.searchsorted(keys_of(known.colors), keys_of(colors))]
