"""Find a palette and the entries of rows, for images larger than memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import warn
from kmcodec.model.pixels import common_channels_for, to_channels
from kmcodec.parallel import in_turn
from kmcodec.quantization import (
    Ditherer,
    Labels,
    QuantizeRequest,
    find_palette,
    renumbering,
    wanted_entries,
)
from kmcodec.quantization.histogram import Histogram
from kmcodec.quantization.kept import is_kept
from kmcodec.rows.counting import block_rows, count_rows
from kmcodec.rows.source import RowSource
from kmcodec.writing.strips import BusySample

__all__ = ["RowQuantizer"]


class RowQuantizer:
    """Find the palette of an image, and the entries of its rows.

    Parameters
    ----------
    source : RowSource
    request : QuantizeRequest
    advance : callable
        Called with the number of rows just processed.

    Attributes
    ----------
    palette : ndarray, shape (K, C), uint8
    dithers : bool
        Whether entries depend on the rows before.
    finds_unused : bool
        Whether unused palette entries are known only after all rows; call `drop_unused`
        then.
    """

    def __init__(
        self, source: RowSource, request: QuantizeRequest, advance: Callable[[int], None]
    ) -> None:
        self._source = source
        self._request = request
        self.dithers = request.placing.dithers
        self._labels: Labels | None = None
        self._numbers: NDArray[Any] | None = None
        self.finds_unused = False
        self._lost_alpha = False
        entries = request.palette
        if entries is not None:
            channels = common_channels_for(entries, source.channels)
            self.palette = to_channels(entries, channels)
            if not self.dithers:
                self._labels = Labels(self.palette, request.placing.space)
        else:
            self._find(advance)
        self._placed_with = self.palette

    def entries(
        self, rows: int, work: Callable[[NDArray[np.uint8], NDArray[Any]], Any]
    ) -> Iterator[Any]:
        """Yield the results of `work` for block after block, in threads.

        Parameters
        ----------
        rows : int
            Rows of a block.
        work : callable
            Called with the pixels of a block, shape (rows, W, C), and their entries (rows, W).
        """
        blocks = map(self._in_channels, self._source.blocks(rows))
        if self.dithers:
            # In order: each entry depends on those before it.
            yield from in_turn(lambda both: work(*both), self._dithered(blocks))
        else:
            labels = self._labels
            assert labels is not None
            yield from in_turn(lambda pixels: work(pixels, labels.of(pixels)), blocks)

    def look(self, sample: BusySample, advance: Callable[[int], None]) -> None:
        """Add its pairs of rows to a sample, without finding all entries."""
        assert self._labels is not None
        for pixels in self._source.blocks(self.block_rows()):
            for pair in sample.pairs(pixels):
                sample.add(self._labels.of(self._in_channels(pair)))
            advance(len(pixels))

    def block_rows(self) -> int:
        """The number of rows with about a million pixels."""
        return block_rows(self._source.width)

    def drop_unused(self, used: NDArray[np.bool_]) -> None:
        """Remove unused entries, except colours to keep."""
        wanted = used | is_kept(self.palette, self._request.search.keep)
        self.palette = self.palette[wanted]
        self._numbers = renumbering(wanted)

    def warn_of_losses(self) -> None:
        """Warn of losses in the rows read so far."""
        if self._lost_alpha:
            warn("the palette has no transparent entry: transparent pixels become opaque")

    def _find(self, advance: Callable[[int], None]) -> None:
        request = self._request
        # Images in grey have no accents.
        counted, exact = count_rows(self._source, advance, places=self._source.channels > 2)
        colors = counted.histogram
        palette, labels = find_palette(colors, request.colors, request.search, counted.accents())
        channels = palette.shape[1]
        colors = Histogram(to_channels(colors.colors, channels), colors.counts)
        self.dithers = self.dithers and not np.array_equal(palette[labels], colors.colors)
        self.palette, self.finds_unused = palette, self.dithers
        if not self.dithers:
            wanted = wanted_entries(palette, labels, request.search)
            self.palette = palette[wanted]
            known = (colors, renumbering(wanted)[labels]) if exact else None
            self._labels = Labels(self.palette, request.search.space, known)

    def _in_channels(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        channels = self.palette.shape[1]
        pixels = to_channels(pixels, channels)
        if self._request.palette is not None and channels in (2, 4) and not self._lost_alpha:
            self._lost_alpha = bool(self.palette[:, -1].min() == 255 > pixels[..., -1].min())
        return pixels

    def _dithered(
        self, blocks: Iterator[NDArray[np.uint8]]
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[Any]]]:
        placing = self._request.placing
        ditherer = Ditherer(self._placed_with, placing.dither, placing.dither_amount)
        for pixels in blocks:
            placed = ditherer.place(pixels)
            if self._numbers is None:
                yield pixels, placed
            else:
                yield pixels, self._numbers[placed]
