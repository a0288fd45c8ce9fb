"""Count the colours of chunked arrays (Zarr, Dask, HDF5) where their chunks are read."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kmcodec.batch.pool import run_each
from kmcodec.errors import KmcInputError, KmcLossWarning, warn
from kmcodec.model.checks import checked_integer
from kmcodec.model.image import MAX_SIDE
from kmcodec.model.pixels import REDUCED, as_pixels, check_shape
from kmcodec.quantization.counted import CountedPart
from kmcodec.quantization.even_blocks import Grid, even_blocks
from kmcodec.quantization.histogram import histogram
from kmcodec.quantization.squares import squares_of
from kmcodec.rows.chunks import chunk_ends, spans

__all__ = ["count_chunks", "is_in_chunks"]

_R = TypeVar("_R")

# Pixels in a piece, unless a chunk has more.
_PIECE = 1 << 22
# Pieces that one call hands to Dask.
_AT_A_TIME = 64


def is_in_chunks(image: object) -> bool:
    """Whether an image is a chunked array, which should not be read as a whole."""
    return hasattr(image, "shape") and isinstance(getattr(image, "chunks", None), tuple)


def count_chunks(array: Any, executor: Executor | None) -> Iterator[CountedPart]:
    """Count the colours of a chunked array, piece by piece.

    Squares and blocks across the border of two pieces count for neither, as no chunk is read twice.

    Parameters
    ----------
    array : Zarr array, Dask array or dataset of HDF5
        Of shape (H, W) or (H, W, C); for the dtypes see `quantize`. Each chunk is read once.
    executor : concurrent.futures.Executor, optional
        Runs the counting; the calling thread if not given. It opens Zarr arrays by itself; other
        arrays are read here and sent to it. Dask arrays are counted where Dask computes them.

    Yields
    ------
    CountedPart
        One for each piece.

    Raises
    ------
    KmcInputError
        If the array is not an image, or the reading process cannot find it.

    Warns
    -----
    KmcLossWarning
        If 16-bit samples are reduced. Floats do not warn: their palette is as good.
    """
    for side in array.shape[:2]:
        checked_integer("a side of an array", side, 1, MAX_SIDE)  # Dask may report NaN
    check_shape(tuple(array.shape))
    each = _by_dask if _is_dask(array) else functools.partial(_by_executor, executor)
    deep = array.dtype.kind == "u" and array.dtype.itemsize == 2
    if deep:
        warn(REDUCED, KmcLossWarning)
    yield from each(functools.partial(_count, grid=Grid.of(*array.shape[:2])), array)


@dataclass(frozen=True)
class _ZarrPiece:
    """A part of a Zarr array that the process receiving it reads."""

    array: Any
    rows: slice
    columns: slice

    def __str__(self) -> str:
        return str(self.array.store_path)

    def read(self) -> NDArray[Any]:
        """Return the samples of the chunk.

        Raises
        ------
        KmcInputError
            If this process cannot open the array.
        """
        import zarr

        try:
            # Missing chunks read as zeros, so a missing array must fail here.
            array = zarr.open_array(self.array.store, path=self.array.path, mode="r")
        except Exception as error:  # each kind of store raises its own
            raise KmcInputError(
                f"{self}: a worker cannot open this Zarr array: give it by "
                "an absolute path, or a URL, that all processes see"
            ) from error
        return np.asarray(array[self.rows, self.columns])


# With the row where it begins.
_Piece = tuple[int, _ZarrPiece | NDArray[Any]]


def _count(piece: _Piece, grid: Grid) -> CountedPart:
    top, samples = piece
    # The caller warns of losses once, instead of each piece.
    pixels = as_pixels(_samples_of(samples), lambda _: None)
    return CountedPart(histogram(pixels), squares_of(pixels), even_blocks(pixels, grid, top))


def _samples_of(piece: _ZarrPiece | NDArray[Any]) -> NDArray[Any]:
    return piece.read() if isinstance(piece, _ZarrPiece) else np.asarray(piece)


def _by_executor(
    executor: Executor | None, work: Callable[[_Piece], _R], array: Any
) -> Iterator[_R]:
    def pieces() -> Iterator[_Piece]:
        sends = executor is not None and _is_stored(array)
        for part in _parts_of(array):
            yield part[0].start, _ZarrPiece(array, *part) if sends else np.asarray(array[part])

    for done in run_each(work, pieces(), executor):
        yield done.result()


def _by_dask(work: Callable[[_Piece], _R], array: Any) -> Iterator[_R]:
    import dask

    pieces = (dask.delayed(work)((part[0].start, array[part])) for part in _parts_of(array))
    while group := list(islice(pieces, _AT_A_TIME)):
        yield from dask.compute(*group)


def _parts_of(array: Any) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of pieces made of whole chunks."""
    across = chunk_ends(array, 1)
    for top, bottom in spans(chunk_ends(array, 0), max(1, _PIECE // array.shape[1])):
        for left, right in spans(across, max(1, _PIECE // (bottom - top))):
            yield slice(top, bottom), slice(left, right)


def _is_dask(array: Any) -> bool:
    dask = sys.modules.get("dask")  # imported if any Dask array exists
    return dask is not None and bool(dask.is_dask_collection(array))


def _is_stored(array: Any) -> bool:
    """Whether an array is a Zarr array that another process can open."""
    zarr = sys.modules.get("zarr")
    if zarr is None or not isinstance(array, zarr.Array):
        return False
    return not isinstance(array.store, zarr.storage.MemoryStore)
