"""Read labels of TIFF files: integers of up to 64 bits, and pages as a volume."""

from __future__ import annotations

import io
import json
import logging
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.errors import KmcInputError
from kmcodec.formats.integer_samples import label_samples, oriented
from kmcodec.formats.tiff_tags import TiffPage

__all__ = ["pages_of_labels", "shape_told", "tiff_labels"]

_FLOAT = 3
_GREYS_AND_PALETTE = (0, 1, 3)
_NO_VOLUME = "the pages of the TIFF differ in size or type, and are no volume"

# It prints what it finds odd about tags that kmcodec does not ask it for.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def pages_of_labels(pages: list[TiffPage]) -> list[int]:
    """Return the numbers of the pages that hold labels: all but smaller copies and masks.

    Raises
    ------
    KmcInputError
        If they are no integers of one channel, or of different sizes or types.
    """
    numbers = [i for i, page in enumerate(pages) if not page.is_extra]
    if not numbers:
        raise KmcInputError("the TIFF has no pages")
    first = pages[numbers[0]]
    if first.samples != 1 or first.photometric not in _GREYS_AND_PALETTE:
        raise KmcInputError(
            f"a TIFF of {first.samples} channels holds no labels: they are one channel"
        )
    if first.format == _FLOAT:
        raise KmcInputError(f"a TIFF of {first.bits}-bit floats holds no labels: they are integers")
    kinds = {
        (page.width, page.height, page.bits, page.samples, page.format)
        for page in (pages[i] for i in numbers)
    }
    if len(kinds) > 1:
        raise KmcInputError(_NO_VOLUME)
    return numbers


def tiff_labels(
    data: bytes, image: Image.Image | None, numbers: list[int], pages: list[TiffPage]
) -> NDArray[Any]:
    """Read pages of a TIFF as labels.

    Parameters
    ----------
    data : bytes
        The whole file.
    image : PIL.Image.Image or None
        The file as Pillow opened it; None if Pillow cannot.
    numbers : list of int
        See `pages_of_labels`.
    pages : list of TiffPage
        The description of the first may tell a shape of more axes.

    Returns
    -------
    ndarray, shape (H, W), (pages, H, W) or as the description tells

    Raises
    ------
    KmcInputError
        If the samples are of a kind that needs a library that is not installed.
    """
    if image is not None:
        found = _by_pillow(image, numbers)
    else:
        orientation = pages[numbers[0]].orientation
        found = [oriented(page, orientation) for page in _by_tifffile(data, numbers)]
    first = found[0]
    if any((page.shape, page.dtype) != (first.shape, first.dtype) for page in found):
        raise KmcInputError(_NO_VOLUME)
    labels = first if len(found) == 1 else np.stack(found)
    shape = shape_told(pages[0].description)
    if shape and shape[-2:] == labels.shape[-2:] and math.prod(shape) == labels.size:
        labels = labels.reshape(shape)
    return labels


def shape_told(description: bytes) -> tuple[int, ...]:
    """Return the shape that a description gives in JSON, as tifffile writes it; else ()."""
    try:
        told = json.loads(description.rstrip(b"\0"))
        shape = tuple(told["shape"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()
    if all(type(side) is int and 1 <= side < 2**31 for side in shape) and len(shape) <= 32:
        return shape
    return ()


def _by_pillow(image: Image.Image, numbers: list[int]) -> list[NDArray[Any]]:
    pages = []
    with image:
        for number in numbers:
            image.seek(number)
            pages.append(label_samples(image))
    return pages


def _by_tifffile(data: bytes, numbers: list[int]) -> list[NDArray[Any]]:
    try:
        import tifffile
    except ImportError:
        raise KmcInputError(
            "reading such a TIFF as labels needs tifffile: pip install 'kmcodec[geo]'"
        ) from None
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        try:
            return [np.asarray(file.pages[number].asarray()) for number in numbers]
        except ValueError as error:
            if "imagecodecs" in str(error):
                raise KmcInputError(
                    "decompressing such a TIFF needs imagecodecs: pip install imagecodecs"
                ) from None
            raise
