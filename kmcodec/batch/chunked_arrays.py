"""The colours of arrays in chunks (Zarr, Dask, HDF5), counted where their chunks are read."""

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
from kmcodec.errors import KmcInputError
from kmcodec.model.checks import checked_integer
from kmcodec.model.image import MAX_SIDE
from kmcodec.model.pixels import as_pixels, check_shape, is_reduced, reduce_16_bits
from kmcodec.quantization.histogram import Histogram, histogram
from kmcodec.rows.chunks import chunk_ends, spans

__all__ = ["count_chunks", "is_in_chunks"]

_R = TypeVar("_R")

# Pixels of a piece, unless a chunk has more.
_PIECE = 1 << 22
# Pieces that Dask is given at a time.
_AT_A_TIME = 64


def is_in_chunks(image: object) -> bool:
    """Whether an image is an array in chunks, which should not be read as a whole."""
    return hasattr(image, "shape") and isinstance(getattr(image, "chunks", None), tuple)


def count_chunks(array: Any, executor: Executor | None) -> Iterator[Histogram]:
    """Count the colours of an array in chunks, piece by piece.

    Parameters
    ----------
    array : Zarr array, Dask array or dataset of HDF5
        Of shape (H, W) or (H, W, C); for the dtypes see `quantize`. Each chunk is read once.
    executor : concurrent.futures.Executor, optional
        Who counts; the calling thread if not given. It opens an array of Zarr by itself; others
        are read here, and sent to it. A Dask array is counted where Dask computes it.

    Yields
    ------
    Histogram
        Of each piece.

    Raises
    ------
    KmcInputError
        If it is no image, or not there for who reads it.

    Warns
    -----
    KmcWarning
        If 16-bit samples are reduced.
    """
    for side in array.shape[:2]:
        checked_integer("a side of an array", side, 1, MAX_SIDE)  # Dask may not know it
    check_shape(tuple(array.shape))
    each = _by_dask if _is_dask(array) else functools.partial(_by_executor, executor)
    deep = is_reduced(array.dtype)
    yield from each(functools.partial(_count, deep=deep), array)


@dataclass(frozen=True)
class _ZarrPiece:
    """A part of an array of Zarr that is read by whoever gets it."""

    array: Any
    rows: slice
    columns: slice

    def __str__(self) -> str:
        return str(self.array.store_path)

    def read(self) -> NDArray[Any]:
        import zarr

        try:
            # Chunks that are not there are zeros: see that the array is.
            array = zarr.open_array(self.array.store, path=self.array.path, mode="r")
        except Exception as error:  # each kind of store has its own
            raise KmcInputError(
                f"{self}: no array of Zarr there for the process that is to read it: give it by "
                "an absolute path, or a URL, that all processes see"
            ) from error
        return np.asarray(array[self.rows, self.columns])


_Piece = _ZarrPiece | NDArray[Any]


def _count(piece: _Piece, *, deep: bool) -> Histogram:
    samples = _samples_of(piece)
    return histogram(as_pixels(reduce_16_bits(samples) if deep else samples))


def _samples_of(piece: _Piece) -> NDArray[Any]:
    return piece.read() if isinstance(piece, _ZarrPiece) else np.asarray(piece)


def _by_executor(
    executor: Executor | None, work: Callable[[_Piece], _R], array: Any
) -> Iterator[_R]:
    def pieces() -> Iterator[_Piece]:
        sends = executor is not None and _is_stored(array)
        for part in _parts_of(array):
            yield _ZarrPiece(array, *part) if sends else np.asarray(array[part])

    for done in run_each(work, pieces(), executor):
        yield done.result()


def _by_dask(work: Callable[[_Piece], _R], array: Any) -> Iterator[_R]:
    import dask

    pieces = (dask.delayed(work)(array[part]) for part in _parts_of(array))
    while group := list(islice(pieces, _AT_A_TIME)):
        yield from dask.compute(*group)


def _parts_of(array: Any) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of pieces that are made of whole chunks."""
    across = chunk_ends(array, 1)
    for top, bottom in spans(chunk_ends(array, 0), max(1, _PIECE // array.shape[1])):
        for left, right in spans(across, max(1, _PIECE // (bottom - top))):
            yield slice(top, bottom), slice(left, right)


def _is_dask(array: Any) -> bool:
    dask = sys.modules.get("dask")  # who has such an array has imported this
    return dask is not None and bool(dask.is_dask_collection(array))


def _is_stored(array: Any) -> bool:
    """Whether it is an array of Zarr that another process can open."""
    zarr = sys.modules.get("zarr")
    if zarr is None or not isinstance(array, zarr.Array):
        return False
    return not isinstance(array.store, zarr.storage.MemoryStore)
