"""What the pixels of an image stand for if it holds an array of labels."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kmcodec.errors import KmcInputError
from kmcodec.model.limits import MAX_COLORS

__all__ = ["DTYPES", "MOST_AXES", "LabelArray", "folded", "span_of"]

DTYPES: tuple[np.dtype[Any], ...] = (
    *map(np.dtype, ("|b1", "|i1", "|u1")),
    *(np.dtype(f"{order}{kind}{size}") for size in (2, 4, 8) for order in "<>" for kind in "iu"),
)
"""The dtypes of labels, by their number in files and streams."""

MOST_AXES = 32
"""The most axes of an array in a file or stream."""

_MOST_PLANES = 8
_BYTES_OF_ARRAY = 2**63


@dataclass(frozen=True)
class LabelArray:
    """What the pixels of an image stand for if it holds an array of labels.

    Parameters
    ----------
    dtype : numpy.dtype, or what gives one
        Of bool or integers, with the byte order.
    shape : tuple of int
        Shape of the array. An axis of length 0 makes an image of one pixel.
    values : tuple of int
        The labels that the palette entries stand for, ascending, for the entries from dark to
        bright. With planes the least label alone.
    planes : int
        0 if the pixels stand for labels. Else the bytes of a label: the image is a stack of so
        many, each of one byte, as greys, of the distances from the least label.

    Raises
    ------
    KmcInputError
        If no array of labels is like that.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    values: tuple[int, ...]
    planes: int = 0

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "dtype", np.dtype(self.dtype))
            for name in ("shape", "values"):
                object.__setattr__(self, name, tuple(map(operator.index, getattr(self, name))))
        except TypeError as error:
            raise KmcInputError(f"labels: {error}") from None
        if self.dtype not in DTYPES:
            raise KmcInputError(f"labels must be integers or bool, not {self.dtype}")
        if len(self.shape) > MOST_AXES:
            raise KmcInputError(f"labels have {len(self.shape)} axes, at most {MOST_AXES}")
        if any(side < 0 for side in self.shape):
            raise KmcInputError(f"no array has the shape {self.shape}")
        sides = math.prod(side for side in self.shape if side)
        if sides * self.dtype.itemsize >= _BYTES_OF_ARRAY:
            raise KmcInputError(f"no array has the shape {self.shape}")
        if not 0 <= self.planes <= _MOST_PLANES:
            raise KmcInputError(f"labels have 1 to {_MOST_PLANES} bytes, not {self.planes}")
        if not 1 <= len(self.values) <= (1 if self.planes else MAX_COLORS):
            raise KmcInputError(f"{len(self.values):,} values of labels, at most {MAX_COLORS:,}")
        if any(map(operator.ge, self.values, self.values[1:])):
            raise KmcInputError("the values of labels do not ascend")
        least, most = span_of(self.dtype)
        if self.values[0] < least or self.values[-1] > most:
            raise KmcInputError(f"a label is outside {self.dtype}")

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        rows, columns = folded(self.shape if math.prod(self.shape) else ())
        return rows * max(1, self.planes), columns

    def fits(self, image: tuple[int, int], entries: int) -> bool:
        """Return True if an image of these rows and columns, and so many entries, can hold them."""
        return self.size == image and (self.planes > 0 or len(self.values) == entries)

    def of_rows(self, first: int, end: int) -> LabelArray | None:
        """Return what some rows of the image stand for.

        Parameters
        ----------
        first, end : int
            The first row and the one after the last, of those that the image has.

        Returns
        -------
        LabelArray or None
            With the axes of the array if the rows are whole elements of the first one, else with
            two axes, rows and columns. None for some rows of bytes, which are no labels.
        """
        rows, columns = self.size
        if (first, end) == (0, rows):
            return self
        if self.planes:
            return None
        each = math.prod(self.shape[1:-1])
        whole = first % each == 0 and end % each == 0
        shape = ((end - first) // each, *self.shape[1:]) if whole else (end - first, columns)
        return replace(self, shape=shape)


def folded(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the rows and columns of the image of an array with this shape."""
    return math.prod(shape[:-1]), math.prod(shape[-1:])


def span_of(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the least and the greatest value of bool or a dtype of integers."""
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
