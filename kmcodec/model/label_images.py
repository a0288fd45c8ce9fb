"""Convert arrays of integer labels to palette images and back (spec/kmc-1.md, section 7.1).

A text in the metadata gives dtype, shape and values; the palette only makes the file viewable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcFormatError, KmcInputError
from kmcodec.model.image import MAX_COLORS, IndexedImage, Metadata
from kmcodec.model.label_text import LABELS
from kmcodec.model.palette_order import dark_to_bright
from kmcodec.model.ramp import ramp

__all__ = [
    "MOST_IN_ENTRIES",
    "MOST_IN_NOISE",
    "LabelText",
    "check_dtype",
    "in_runs",
    "is_label_map",
    "label_image",
    "labels_of",
    "planes_image",
    "ranked",
    "slice_rows_of",
    "span_of",
    "span_of_values",
    "values_of_entries",
]

MOST_IN_ENTRIES = 4096
"""Noise of up to so many values is coded as palette entries, of more by its bytes."""

MOST_IN_NOISE = 256
"""With up to this many distinct values an image is a label map, even if most pixels differ."""

_TEXT = re.compile(
    r"(?P<dtype>\|b1|\|[iu]1|[<>][iu][248]) "
    r"\((?P<shape>(?:\d{1,19}(?:,\d{1,19})*)?)\) "
    r"(?P<first>-?\d{1,20})"
    r"(?:(?P<gaps>(?:,\d{1,20}(?:\*\d{1,5})?)*)| in (?P<planes>[1-8]) bytes)",
    re.ASCII,
)


@dataclass(frozen=True)
class LabelText:
    """The description of labels in the text of a file.

    Parameters
    ----------
    dtype : numpy.dtype
    shape : tuple of int
        Shape of the array.
    first : int
        The least value.
    gaps : str
        The distances between values, as in the text.
    planes : int
        Bytes of a value if each byte is a separate picture; 0 if values are entries.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    first: int
    gaps: str = ""
    planes: int = 0

    @classmethod
    def parsed(cls, text: str) -> LabelText:
        """Parse a text.

        Raises
        ------
        KmcFormatError
            If it is malformed.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise _fault("it is malformed")
        shape = tuple(map(int, match["shape"].split(","))) if match["shape"] else ()
        return cls(
            np.dtype(match["dtype"]),
            shape,
            int(match["first"]),
            match["gaps"] or "",
            int(match["planes"] or 0),
        )

    def __str__(self) -> str:
        shape = ",".join(map(str, self.shape))
        values = f" in {self.planes} bytes" if self.planes else self.gaps
        return f"{self.dtype.str} ({shape}) {self.first}{values}"

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        rows, columns = _folded(self.shape if math.prod(self.shape) else ())
        return rows * max(1, self.planes), columns


def label_image(array: NDArray[Any], *, own_greys: bool = False) -> IndexedImage | None:
    """Return the image of an array whose distinct values fit a palette.

    Parameters
    ----------
    array : ndarray of bool or integer, any shape
    own_greys : bool
        Whether to show values as greys if all are in 0 to 255.

    Returns
    -------
    IndexedImage or None
        With the text that gives dtype, shape and values. None if the array has too many values.

    Raises
    ------
    KmcInputError
        If the array is of another dtype.
    """
    check_dtype(array)
    found = ranked(_filled(array))
    if found is None:
        return None
    values, ranks = found
    palette = ramp(len(values))
    if own_greys and values[0] >= 0 and values[-1] <= 255:
        palette = np.array(values, np.uint8)[:, np.newaxis]
    text = LabelText(array.dtype, array.shape, values[0], _told(values))
    return IndexedImage(palette, ranks, Metadata(text={LABELS: str(text)}))


def planes_image(array: NDArray[Any]) -> IndexedImage:
    """Return the image of an array with any number of values: their bytes, as greys.

    Parameters
    ----------
    array : ndarray of bool or integer, any shape

    Returns
    -------
    IndexedImage
        With the highest bytes at the top, the lowest at the bottom.
    """
    check_dtype(array)
    folded = _filled(array)
    distances, least, most = _distances(folded)
    planes = max(1, ((most - least).bit_length() + 7) // 8)
    big = np.ascontiguousarray(distances, distances.dtype.newbyteorder(">"))
    parts = big.view(np.uint8).reshape(*folded.shape, -1)[..., -planes:]
    sheet = np.moveaxis(parts, -1, 0).reshape(-1, folded.shape[1])
    greys, indices = np.unique(sheet, return_inverse=True)
    text = LabelText(array.dtype, array.shape, least, planes=planes)
    metadata = Metadata(text={LABELS: str(text)})
    return IndexedImage(greys, indices.reshape(sheet.shape), metadata)


def labels_of(image: IndexedImage) -> NDArray[Any]:
    """Return the array that an image of labels represents.

    Parameters
    ----------
    image : IndexedImage
        With the text that describes the labels.

    Returns
    -------
    ndarray
        With the dtype, shape and byte order in the text.

    Raises
    ------
    KmcFormatError
        If the text is missing or does not fit the image.
    """
    text = image.metadata.text.get(LABELS)
    if text is None:
        raise KmcFormatError(f"the image holds no labels: it has no text {LABELS!r}")
    told = LabelText.parsed(text)
    if told.size != image.indices.shape:
        size = f"{image.width:,} x {image.height:,} pixels"
        raise _fault(f"shape {told.shape} does not fit {size}")
    folded = (_from_planes if told.planes else _from_entries)(image, told)
    try:
        if not math.prod(told.shape):
            return np.empty(told.shape, told.dtype)
        labels: NDArray[Any] = folded.reshape(told.shape)
    except ValueError:
        raise _fault(f"no array has the shape {told.shape}") from None
    return labels


def span_of_values(told: LabelText, entries: int) -> tuple[int, int]:
    """Return the least and the greatest value of labels that are entries of a palette.

    Raises
    ------
    KmcFormatError
        If the text does not fit so many entries.
    """
    values = _values(told.first, told.gaps, entries, told.dtype)
    return int(values[0]), int(values[-1])


def values_of_entries(told: LabelText, palette: NDArray[np.uint8]) -> NDArray[Any]:
    """Return the label that each entry of a palette stands for, in the order of entries.

    Raises
    ------
    KmcFormatError
        If the text does not fit the palette.
    """
    values = _values(told.first, told.gaps, len(palette), told.dtype)
    by_entry = np.empty_like(values)
    by_entry[_order_of(palette)] = values
    return by_entry


def is_label_map(samples: NDArray[Any]) -> bool:
    """Return True if an image is a map of labels rather than a picture.

    Parameters
    ----------
    samples : ndarray

    Returns
    -------
    bool
        True for integers of one channel, signed or of more than 8 bits, if they have at most 256
        distinct values, or if most equal those to their left. It depends on this image alone.
    """
    if samples.ndim != 2 or samples.dtype.kind not in "iu" or not samples.size:
        return False
    if samples.dtype == np.uint8:
        return False
    return in_runs(samples) or len(np.unique(samples)) <= MOST_IN_NOISE


def slice_rows_of(metadata: Metadata) -> int | None:
    """Return the rows of a slice if an image's labels are a volume or have more axes; else 0.

    Returns
    -------
    int or None
        None if the image has no labels, or the text that describes them is malformed.
    """
    try:
        shape = LabelText.parsed(metadata.text[LABELS]).shape
    except (KeyError, KmcFormatError):
        return None
    return shape[-2] if len(shape) > 2 else 0


def in_runs(values: NDArray[Any]) -> bool:
    """Return True if most values of an array (H, W) equal those to their left."""
    left, right = values[:, :-1], values[:, 1:]
    return 2 * int(np.count_nonzero(left == right)) > left.size


def check_dtype(array: NDArray[Any]) -> None:
    """Refuse an array that does not hold labels.

    Raises
    ------
    KmcInputError
    """
    if array.dtype.kind not in "iub":
        raise KmcInputError(f"labels must be integers or bool, not {array.dtype}")


def _fault(what: str) -> KmcFormatError:
    return KmcFormatError(f"text {LABELS!r}: {what}")


def _folded(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the rows and columns of the image of an array with this shape."""
    return math.prod(shape[:-1]), math.prod(shape[-1:])


def _filled(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array with two axes; an empty array becomes one pixel."""
    filled = array if array.size else np.zeros((), array.dtype)
    return filled.reshape(_folded(filled.shape))


def _distances(labels: NDArray[Any]) -> tuple[NDArray[Any], int, int]:
    """Return the unsigned distances of labels from the least; the least; the greatest."""
    least, most = int(labels.min()), int(labels.max())
    # Modulo the dtype's range they are right for signed labels, too.
    native = np.ascontiguousarray(labels, labels.dtype.newbyteorder("="))
    unsigned = native.view(f"u{native.itemsize}")
    return unsigned - unsigned.dtype.type(least % (1 << 8 * native.itemsize)), least, most


def ranked(labels: NDArray[Any]) -> tuple[list[int], NDArray[Any]] | None:
    """Return the distinct values of labels, and the rank of each label's value.

    Parameters
    ----------
    labels : ndarray of bool or integer, not empty

    Returns
    -------
    (list of int, ndarray of integer of the same shape) or None
        The values ascend. None if they are more than a palette has entries.
    """
    distances, least, most = _distances(labels)
    if most - least <= max(MAX_COLORS, labels.size):
        occurs = np.zeros(most - least + 1, bool)
        occurs[distances] = True
        distinct = np.flatnonzero(occurs)
        if len(distinct) > MAX_COLORS:
            return None
        ranks = (np.cumsum(occurs) - 1)[distances]
    else:
        distinct, ranks = np.unique(distances, return_inverse=True)
        if len(distinct) > MAX_COLORS:
            return None
    return [least + distance for distance in distinct.tolist()], ranks.reshape(labels.shape)


def _from_entries(image: IndexedImage, told: LabelText) -> NDArray[Any]:
    labels: NDArray[Any] = values_of_entries(told, image.palette).take(image.indices)
    return labels


def _from_planes(image: IndexedImage, told: LabelText) -> NDArray[Any]:
    if image.channels != 1:
        raise _fault("its bytes must be grey, but the palette has colours")
    planes = image.to_array().reshape(told.planes, -1, image.width)
    distances = np.zeros(planes.shape[1:], np.uint64)
    for plane in planes:
        distances <<= np.uint64(8)
        distances |= plane
    least, most = span_of(told.dtype)
    if told.first < least or told.first + int(distances.max()) > most:
        raise _fault(f"it gives values outside {told.dtype}")
    # Modulo 2**64, as in two's complement.
    distances += np.uint64(told.first % (1 << 64))
    return distances.astype(told.dtype)


def _order_of(palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the order of entries by brightness, that of their values.

    Raises
    ------
    KmcFormatError
        If entries repeat: labels of the same colour cannot be distinguished.
    """
    order = dark_to_bright(palette)
    ordered = palette[order]
    if (ordered[1:] == ordered[:-1]).all(axis=1).any():
        raise _fault("the palette has an entry twice")
    return order


def _told(values: list[int]) -> str:
    """Return the text of the gaps between values; ``,1*9`` stands for nine gaps of 1."""
    gaps = (after - before for before, after in pairwise(values))
    runs = ((gap, len(list(run))) for gap, run in groupby(gaps))
    return "".join(f",{gap}" if count == 1 else f",{gap}*{count}" for gap, count in runs)


def _values(first: int, gaps: str, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Undo `_told`, checking that it gives `count` values of this dtype.

    Raises
    ------
    KmcFormatError
    """
    values = [first]
    for gap, times in _runs(gaps):
        if not gap or not 1 <= times <= count - len(values):
            raise _fault(f"it does not give a value for each of the {count:,} palette entries")
        values += range(values[-1] + gap, values[-1] + gap * times + 1, gap)
    if len(values) != count:
        raise _fault(f"it gives {len(values):,} values, but the palette has {count:,} entries")
    least, most = span_of(dtype)
    if values[0] < least or values[-1] > most:
        raise _fault(f"it gives values outside {dtype}")
    return np.array(values, dtype)


def span_of(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the least and the greatest value of bool or a dtype of integers."""
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _runs(gaps: str) -> Iterator[tuple[int, int]]:
    for token in gaps.split(",")[1:]:
        gap, _, times = token.partition("*")
        yield int(gap), int(times or 1)
