"""Read labels from files, whatever their samples look like."""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from kmcodec.arrays.labels import decode_labels
from kmcodec.errors import KmcError, KmcFormatError, KmcInputError, KmcLimitError
from kmcodec.files import kmc_errors
from kmcodec.formats.faults import image_fault
from kmcodec.formats.integer_samples import label_samples, oriented
from kmcodec.formats.matlab import is_mat, read_mat_labels
from kmcodec.formats.native_messages import is_tiff, without_native_messages
from kmcodec.formats.npy import MAGIC
from kmcodec.formats.npz import is_npz, read_npz
from kmcodec.formats.pillow_images import from_pillow, metadata_from_pillow
from kmcodec.formats.resolution import is_turned_by_pillow
from kmcodec.formats.tiff_labels import pages_of_labels, tiff_labels
from kmcodec.formats.tiff_tags import tiff_pages
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.label_classes import LabelClasses
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.reading.inspection import inspect
from kmcodec.sources.images import check_pixels, named_warnings, npy_array
from kmcodec.sources.label_metadata import names_beside, with_tags_of
from kmcodec.sources.upright import orientation_of, turn_upright
from kmcodec.storage.door import input_name, read_input

__all__ = ["LabelSource", "read_labels"]

_KMC = b"\x8bKMC"


@dataclass(frozen=True, eq=False)
class LabelSource:
    """Labels read from a file.

    Parameters
    ----------
    name : str
        The file's name in messages.
    labels : ndarray of bool or integer
    metadata : Metadata
    size : int
        Bytes of the file.
    """

    name: str
    labels: NDArray[Any]
    metadata: Metadata
    size: int


def read_labels(
    path: str | os.PathLike[str],
    variable: str | None = None,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> LabelSource:
    """Read the labels of a file, every id as it is stored.

    Parameters
    ----------
    path : path-like
        A .npy, .npz, .mat, TIFF or .kmc file, or an image of one channel that Pillow opens. ``-``
        is standard input; a URL is read through fsspec.
    variable : str, optional
        The array to read from a .mat or .npz file.
    max_pixels : int, optional
        The most labels that a file may declare, checked before memory is allocated; None for no
        limit.

    Returns
    -------
    LabelSource
        The pages of a TIFF become a volume. Of images with a palette the indices are the labels,
        and the colours their classes.

    Raises
    ------
    KmcInputError
        If the file cannot be read, is damaged, or holds no labels.
    KmcFormatError
        If a `.kmc` file is damaged, or holds no labels.
    KmcLimitError
        If there are too many labels.

    Warns
    -----
    KmcWarning
        If metadata were dropped. All messages begin with the file's name.
    """
    given = os.fspath(path)
    name = input_name(given)
    data = read_input(given)
    if variable is not None and not (is_mat(data) or is_npz(data)):
        raise KmcInputError(f"{name}: only .mat and .npz files have variables to choose from")
    try:
        with named_warnings(name):
            labels, metadata = _labels_in(data, name, given, variable, max_pixels)
            metadata = names_beside(given, metadata)
    except MemoryError as error:
        raise KmcLimitError(f"{name}: not enough memory") from error
    if labels.dtype.kind not in "iub":
        raise KmcInputError(
            f"{name}: {labels.dtype} samples are no labels: these are integers or bool"
        )
    return LabelSource(name, labels, metadata, len(data))


def _labels_in(
    data: bytes, name: str, given: str, variable: str | None, max_pixels: int | None
) -> tuple[NDArray[Any], Metadata]:
    if data.startswith(_KMC):
        with kmc_errors(given):
            metadata = inspect(data).metadata
            labels = decode_labels(data, max_pixels=max_pixels)
        return labels, replace(metadata, labels=None)
    if is_mat(data):
        labels, classes = read_mat_labels(data, name, variable, max_pixels=max_pixels)
        return labels, Metadata(classes=classes)
    if is_npz(data):
        return read_npz(data, name, variable, max_pixels=max_pixels, any_shape=True), Metadata()
    if data.startswith(MAGIC):
        return npy_array(data, name, max_pixels, any_shape=True), Metadata()
    try:
        return (_from_tiff if is_tiff(data) else _from_image)(data, max_pixels)
    except UnidentifiedImageError as error:
        raise KmcInputError(f"{name}: not an image in a known format") from error
    except KmcFormatError:
        raise
    except KmcError as error:
        raise type(error)(f"{name}: {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # readers of images may raise anything on damaged files
        raise KmcInputError(f"{name}: {image_fault(error)}") from error


def _from_tiff(data: bytes, max_pixels: int | None) -> tuple[NDArray[Any], Metadata]:
    pages = tiff_pages(data)
    numbers = pages_of_labels(pages)
    first = pages[numbers[0]]
    check_pixels(len(numbers) * first.width * first.height, max_pixels)
    with without_native_messages():
        try:
            with warnings.catch_warnings():
                # Pillow warns of what it cannot read, before it says that it cannot read it.
                warnings.simplefilter("ignore")
                image = Image.open(io.BytesIO(data))
        except UnidentifiedImageError:  # 64 bits, or 16 with a palette
            image = None
        metadata = Metadata()
        if image is not None:
            metadata = metadata_from_pillow(image, turned=is_turned_by_pillow(image))
        labels = tiff_labels(data, image, numbers, pages)
    return labels, with_tags_of(metadata, pages[0], int(labels.max()))


def _from_image(data: bytes, max_pixels: int | None) -> tuple[NDArray[Any], Metadata]:
    with Image.open(io.BytesIO(data)) as image:
        check_pixels(image.width * image.height, max_pixels)
        if getattr(image, "n_frames", 1) > 1:
            raise KmcInputError("an animation holds no labels: only pages of a TIFF are a volume")
        key = image.info.get("transparency")
        labels = label_samples(image)
        # Turned by NumPy, as Pillow may have stretched its own samples. The orientation may stand
        # behind the pixels.
        labels = oriented(labels, orientation_of(image))
        turned = turn_upright(image, is_turned_by_pillow(image))
        metadata = metadata_from_pillow(image, turned=turned)
        if key is not None:
            image.info["transparency"] = key
        return labels, replace(metadata, classes=_classes_of(image, key) or None)


def _classes_of(image: Image.Image, key: Any) -> LabelClasses:
    """Return the colours of a palette, or the grey that stands for no data."""
    opened = from_pillow(image) if image.mode == "P" else None
    if isinstance(opened, IndexedImage):
        return LabelClasses(colors=dict(enumerate(map(tuple, opened.palette.tolist()))))
    return LabelClasses(nodata=key if isinstance(key, int) else None)
