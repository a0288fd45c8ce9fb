"""Say what kind of labels a file holds."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import IO, Any

import numpy as np

from kmcodec.arrays.labels import decode_labels
from kmcodec.model.label_images import values_of_entries
from kmcodec.reading.inspection import FileInfo

__all__ = ["LabelFacts", "label_facts"]


@dataclass(frozen=True)
class LabelFacts:
    """What kind of labels a file holds.

    Parameters
    ----------
    dtype : str
        As NumPy writes it, with the byte order.
    shape : tuple of int
    values : int
        Number of distinct labels.
    least, most : int or None
        None if there are no labels.
    """

    dtype: str
    shape: tuple[int, ...]
    values: int
    least: int | None
    most: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self) | {"shape": list(self.shape)}


def label_facts(stream: IO[bytes], found: FileInfo) -> LabelFacts | None:
    """Return what kind of labels a file holds, None if it holds none.

    Labels that are stored byte by byte are decoded, to count them.

    Parameters
    ----------
    stream : binary file
        The file, from its start.
    found : FileInfo
        Of that file.

    Raises
    ------
    KmcFormatError
        If the labels do not fit the image.
    KmcLimitError
        If labels that must be decoded are too many.
    """
    told = found.metadata.labels
    if told is None:
        return None
    kind = told.dtype.str, told.shape
    if not math.prod(told.shape):
        return LabelFacts(*kind, 0, None, None)
    if not told.planes:
        values_of_entries(told, found.palette)
        return LabelFacts(*kind, len(told.values), told.values[0], told.values[-1])
    distinct = np.unique(decode_labels(stream.read()))
    return LabelFacts(*kind, len(distinct), int(distinct[0]), int(distinct[-1]))
