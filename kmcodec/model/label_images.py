"""Convert arrays of integer labels to palette images and back (spec/kmc-1.md, section 7.1).

The metadata give dtype, shape and values; the palette only makes the file viewable.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcFormatError, KmcInputError
from kmcodec.model.image import MAX_COLORS, IndexedImage, Metadata
from kmcodec.model.label_array import LabelArray, folded, span_of
from kmcodec.model.palette_order import dark_to_bright
from kmcodec.model.ramp import ramp

__all__ = [
    "MOST_IN_ENTRIES",
    "MOST_IN_NOISE",
    "check_dtype",
    "in_runs",
    "is_label_map",
    "label_image",
    "labels_of",
    "planes_image",
    "ranked",
    "slice_rows_of",
    "values_of_entries",
]

MOST_IN_ENTRIES = 4096
"""Noise of up to so many values is coded as palette entries, of more by its bytes."""

MOST_IN_NOISE = 256
"""With up to this many distinct values an image is a label map, even if most pixels differ."""


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
        With metadata that give dtype, shape and values. None if the array has too many values.

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
    told = LabelArray(array.dtype, array.shape, tuple(values))
    return IndexedImage(palette, ranks, Metadata(labels=told))


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
    filled = _filled(array)
    distances, least, most = _distances(filled)
    planes = max(1, ((most - least).bit_length() + 7) // 8)
    big = np.ascontiguousarray(distances, distances.dtype.newbyteorder(">"))
    parts = big.view(np.uint8).reshape(*filled.shape, -1)[..., -planes:]
    sheet = np.moveaxis(parts, -1, 0).reshape(-1, filled.shape[1])
    greys, indices = np.unique(sheet, return_inverse=True)
    told = LabelArray(array.dtype, array.shape, (least,), planes)
    return IndexedImage(greys, indices.reshape(sheet.shape), Metadata(labels=told))


def labels_of(image: IndexedImage) -> NDArray[Any]:
    """Return the array that an image of labels represents.

    Parameters
    ----------
    image : IndexedImage
        With metadata that describe the labels.

    Returns
    -------
    ndarray
        With the dtype, shape and byte order that they give.

    Raises
    ------
    KmcFormatError
        If the metadata have no labels, or these do not fit the image.
    """
    told = image.metadata.labels
    if told is None:
        raise KmcFormatError("the image holds no labels")
    if told.size != image.indices.shape:
        size = f"{image.width:,} x {image.height:,} pixels"
        raise _fault(f"shape {told.shape} does not fit {size}")
    found = (_from_planes if told.planes else _from_entries)(image, told)
    if not math.prod(told.shape):
        return np.empty(told.shape, told.dtype)
    labels: NDArray[Any] = found.reshape(told.shape)
    return labels


def values_of_entries(told: LabelArray, palette: NDArray[np.uint8]) -> NDArray[Any]:
    """Return the label that each entry of a palette stands for, in the order of entries.

    Raises
    ------
    KmcFormatError
        If the labels do not fit the palette.
    """
    if told.planes or len(told.values) != len(palette):
        found = f"{len(palette):,} palette entries"
        raise _fault(f"{len(told.values):,} values do not fit {found}")
    values = np.array(told.values, told.dtype)
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
        None if the image has no labels.
    """
    if metadata.labels is None:
        return None
    shape = metadata.labels.shape
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
    return KmcFormatError(f"section labl: {what}")


def _filled(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array with two axes; an empty array becomes one pixel."""
    filled = array if array.size else np.zeros((), array.dtype)
    return filled.reshape(folded(filled.shape))


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


def _from_entries(image: IndexedImage, told: LabelArray) -> NDArray[Any]:
    labels: NDArray[Any] = values_of_entries(told, image.palette).take(image.indices)
    return labels


def _from_planes(image: IndexedImage, told: LabelArray) -> NDArray[Any]:
    if image.channels != 1:
        raise _fault("its bytes must be grey, but the palette has colours")
    planes = image.to_array().reshape(told.planes, -1, image.width)
    distances = np.zeros(planes.shape[1:], np.uint64)
    for plane in planes:
        distances <<= np.uint64(8)
        distances |= plane
    least = told.values[0]
    if least + int(distances.max()) > span_of(told.dtype)[1]:
        raise _fault(f"it gives values outside {told.dtype}")
    # Modulo 2**64, as in two's complement.
    distances += np.uint64(least % (1 << 64))
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
