"""Encode arrays of integer labels as `.kmc` files (spec/kmc-1.md, section 7.1)."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcodec.coding import AUTO
from kmcodec.decoder import checked_metadata, image_of
from kmcodec.errors import KmcInputError
from kmcodec.model.checks import refuse_unknown
from kmcodec.model.image import IndexedImage, Metadata, array_of
from kmcodec.model.label_array import LabelArray
from kmcodec.model.label_classes import LabelClasses
from kmcodec.model.label_images import (
    MOST_IN_ENTRIES,
    in_runs,
    label_image,
    labels_of,
    planes_image,
)
from kmcodec.model.limits import DEFAULT_MAX_METADATA, DEFAULT_MAX_PIXELS, Limits
from kmcodec.reading.strip_reader import StripReader
from kmcodec.request import EncodeOptions
from kmcodec.writing.assembly import Assembly

if TYPE_CHECKING:
    from typing_extensions import Never

__all__ = ["decode_labels", "encode_labels"]


def encode_labels(
    labels: ArrayLike,
    *,
    coding: str = Assembly.coding,
    effort: str = Assembly.effort,
    strip_rows: int | None = None,
    classes: LabelClasses | None = None,
    metadata: Metadata | None = None,
    **options: Never,
) -> bytes:
    """Encode an array of labels as a `.kmc` file, losslessly.

    Parameters
    ----------
    labels : array_like, any shape, bool or integer of 8 to 64 bits, any byte order
        The last two axes are coded as images, stacked below each other. Values too many for a
        palette are split into planes of their bytes, stacked likewise.
    coding, effort, strip_rows
        See `encode`. Noise of more than 4,096 values is coded by `deflate`, not by `context`.
    classes : LabelClasses, optional
        Names and colours of the ids; those of `metadata` if not given.
    metadata : Metadata, optional
        See `encode`.
    **options
        None: all other options of `encode` are refused, as they would change labels.

    Returns
    -------
    bytes
        `decode_labels` restores shape, dtype, byte order and values. Other readers see an image:
        greys in the order of the labels, or colours for more than 256 labels.

    Raises
    ------
    KmcInputError
        If the labels are of another type, or an option is wrong.
    """
    kept = metadata or Metadata()
    kept = kept if classes is None else replace(kept, classes=classes)
    reasons = dict.fromkeys(EncodeOptions.__annotations__, "labels are kept as they are")
    refuse_unknown("encode_labels", options, (), reasons)
    array = array_of("labels", labels)
    assembly = Assembly(coding, effort, strip_rows)
    image = label_image(array)
    if image is not None and (len(image.palette) <= MOST_IN_ENTRIES or in_runs(image.indices)):
        return assembly.encode(_described(image, kept))
    image = planes_image(array)
    if not in_runs(image.indices):
        # Noise gains little, and decodes a hundred times slower.
        assembly = Assembly("deflate" if coding == "context" else coding, AUTO, strip_rows)
    return assembly.encode(_described(image, kept))


def _described(image: IndexedImage, metadata: Metadata) -> IndexedImage:
    """Return an image of labels with other metadata besides those that describe them."""
    labels = image.metadata.labels
    return IndexedImage(image.palette, image.indices, replace(metadata, labels=labels))


def decode_labels(
    data: bytes,
    *,
    rows: tuple[int, int] | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
) -> NDArray[Any]:
    """Decode labels from a file made by `encode_labels`.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    rows : tuple of int, optional
        The first element along the first axis, and the one after the last: only the strips with
        these are decoded. `encode_labels` with few `strip_rows` makes that quick.
    max_pixels : int, optional
        The most labels of the file; see `decode`.
    max_metadata : int, optional
        See `decode`.

    Returns
    -------
    ndarray
        The labels, with their original shape, dtype and byte order.

    Raises
    ------
    KmcFormatError
        If the file is damaged or truncated, or holds no labels.
    KmcLimitError
        See `decode`.
    KmcInputError
        If the array has no such rows.
    """
    limits = Limits(max_pixels=max_pixels, max_metadata=max_metadata)
    # One reader for all: the header, palette and sections of a chunk can take as long as its strip.
    reader = StripReader(io.BytesIO(data), limits)
    metadata = checked_metadata(reader)
    told = metadata.labels
    if told is None:
        return labels_of(image_of(reader, metadata))
    if limits.max_pixels is not None:
        reader = reader.within(replace(limits, max_pixels=limits.max_pixels * max(1, told.planes)))
    if rows is None:
        return labels_of(image_of(reader, metadata))
    return labels_of(_image_of_rows(reader, told, *rows))


def _image_of_rows(reader: StripReader, told: LabelArray, first: int, end: int) -> IndexedImage:
    """Decode the image of some elements along the first axis."""
    size = told.shape[0] if len(told.shape) > 1 else 0
    if not 0 <= first < end <= size or told.size != (reader.header.height, reader.header.width):
        raise KmcInputError(f"rows {first:,}:{end:,} lie outside the array ({size:,} rows)")
    height = reader.header.height // max(1, told.planes)
    each = height // size
    parts = [
        reader.rows(top + first * each, top + end * each)
        for top in range(0, reader.header.height, height)
    ]
    told = replace(told, shape=(end - first, *told.shape[1:]))
    metadata = Metadata(labels=told)
    return IndexedImage(reader.palette, reader.first_frame(np.concatenate(parts)), metadata)
