"""How a thumbnail shows labels: which part of the image, and in which colours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcFormatError, warn
from kmcodec.model.image import Metadata
from kmcodec.model.label_array import LabelArray
from kmcodec.model.label_images import values_of_entries
from kmcodec.model.pixels import to_channels

__all__ = ["shown_labels"]


def shown_labels(
    palette: NDArray[np.uint8], size: tuple[int, int], metadata: Metadata
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return the palette that shows the labels of an image, and the rows to show.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
    size : tuple of int
        Width and height of the image.
    metadata : Metadata
        Of any image.

    Returns
    -------
    palette : ndarray, shape (K, C), uint8
        With the colours of the labels' classes. An entry whose class has none keeps its own;
        without data it is transparent.
    rows : tuple of int
        All rows of a map; the slice in the middle of a volume; of labels that are stored byte by
        byte, their lowest bytes.

    Warns
    -----
    KmcWarning
        If the labels do not fit the image, which is then a picture.
    """
    width, height = size
    whole = palette, (0, height)
    told = metadata.labels
    if told is None:
        return whole
    try:
        if not math.prod(told.shape):
            return whole  # one pixel, which stands for no label
        if told.size != (height, width):
            raise KmcFormatError(f"the labels have another size than {width:,} x {height:,}")
        colors = palette if told.planes else _in_class_colors(palette, told, metadata)
    except KmcFormatError as error:
        warn(f"{error}; shown as a picture")
        return whole
    return colors, _middle(told, height)


def _in_class_colors(
    palette: NDArray[np.uint8], told: LabelArray, metadata: Metadata
) -> NDArray[np.uint8]:
    values = values_of_entries(told, palette)
    classes = metadata.classes
    if classes is None:
        return palette
    colors = to_channels(palette, 4).copy()
    for entry, value in enumerate(values.tolist()):
        if value in classes.colors:
            color = classes.colors[value]
            colors[entry] = (*color, 255)[:4]
        elif value == classes.nodata:
            colors[entry, 3] = 0
    return colors


def _middle(told: LabelArray, height: int) -> tuple[int, int]:
    rows = height // max(1, told.planes)
    first = height - rows
    if len(told.shape) < 3:
        return first, height
    each = told.shape[-2]
    first += rows // each // 2 * each
    return first, first + each
