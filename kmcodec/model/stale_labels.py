"""Whether the labels that metadata describe still apply to an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import warn
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.pixels import to_channels

__all__ = ["without_labels", "without_stale_labels"]


def without_stale_labels(
    metadata: Metadata, before: IndexedImage | NDArray[np.uint8], after: IndexedImage
) -> Metadata:
    """Return the metadata of an image that still apply to an image made from it.

    Parameters
    ----------
    metadata : Metadata
    before : IndexedImage or ndarray of uint8, shape (H, W) or (H, W, C)
        The image with which the metadata were read.
    after : IndexedImage
        The image to write. Labels stay if they fit it, and it has the same entries and pixels; the
        order of entries may differ, as values belong to entries in the order of their bytes.

    Warns
    -----
    KmcWarning
        If labels are dropped.
    """
    labels = metadata.labels
    if labels is None or before is after:
        return metadata  # whatever they are
    if labels.fits(after.indices.shape, len(after.palette)) and _is_same(before, after):
        return metadata
    return without_labels(metadata)


def without_labels(metadata: Metadata) -> Metadata:
    """Return metadata without labels, which no longer apply.

    Warns
    -----
    KmcWarning
        If the metadata had labels.
    """
    if metadata.labels is None:
        return metadata
    warn("dropped the labels: palette or pixels are no longer theirs")
    # Names, colours and tags are those of labels, too.
    return replace(metadata, labels=None, classes=None, tiff=())


def _is_same(before: IndexedImage | NDArray[np.uint8], after: IndexedImage) -> bool:
    old, new = map(_in_all_channels, (before, after))
    if not np.array_equal(old, new):
        return False
    # Without a palette the distinct colours of the pixels are the entries.
    entries = before.palette if isinstance(before, IndexedImage) else old.reshape(-1, 4)
    distinct = np.unique(to_channels(entries, 4), axis=0)
    others = to_channels(after.palette, 4)
    return len(distinct) == len(others) and np.array_equal(distinct, np.unique(others, axis=0))


def _in_all_channels(image: IndexedImage | NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels = image.to_array() if isinstance(image, IndexedImage) else image
    return to_channels(pixels.reshape(*pixels.shape[:2], -1), 4)
