"""Which images are labels, and what their files say about the ids."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from kmcodec.errors import warn
from kmcodec.formats.category_names import category_names
from kmcodec.formats.tiff_classes import classes_of_tiff
from kmcodec.formats.tiff_tags import TiffPage, tiff_pages
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.label_classes import LabelClasses
from kmcodec.model.label_images import is_label_map, label_image, planes_image

__all__ = ["labelled", "names_beside", "with_tags", "with_tags_of"]

_NAMES = ".aux.xml"
_MOST_NAMES = 1 << 22
# Tags that say where pixels lie: they are wrong for a picture that was turned.
_PLACES = frozenset({33550, 33922, 34264})


def labelled(samples: NDArray[Any]) -> IndexedImage | None:
    """Return samples that are labels as an image of labels; None if they are a picture."""
    if not is_label_map(samples):
        return None
    image = label_image(samples, own_greys=True)
    return planes_image(samples) if image is None else image


def with_tags(metadata: Metadata, data: bytes, most: int) -> Metadata:
    """Add the classes and tags of a TIFF file to the metadata of its labels.

    Parameters
    ----------
    metadata : Metadata
    data : bytes
        The whole file.
    most : int
        The greatest label.

    Warns
    -----
    KmcWarning
        If tags are dropped.
    """
    try:
        page = tiff_pages(data)[0]
    except (ValueError, IndexError):  # damaged, but Pillow could read it
        warn("dropped damaged tags")
        return metadata
    return with_tags_of(metadata, page, most)


def with_tags_of(metadata: Metadata, page: TiffPage, most: int) -> Metadata:
    """Add the classes and tags of a page; see `with_tags`."""
    classes, tags = classes_of_tiff(page, most)
    if page.orientation != 1 and any(tag.number in _PLACES for tag in tags):
        warn("dropped the place on the ground: the image was turned upright")
        tags = tuple(tag for tag in tags if tag.number not in _PLACES)
    return replace(metadata, classes=classes or None, tiff=tags)


def names_beside(path: str, metadata: Metadata) -> Metadata:
    """Add the names that GDAL keeps in a file beside the image, if there is one.

    Parameters
    ----------
    path : str
        The image's path; other sources than files have none.
    metadata : Metadata

    Warns
    -----
    KmcWarning
        If that file is damaged or too large.
    """
    beside = path + _NAMES
    try:
        if not os.path.isfile(beside):
            return metadata
        if os.path.getsize(beside) > _MOST_NAMES:
            warn(f"ignored {os.path.basename(beside)}: larger than {_MOST_NAMES:,} bytes")
            return metadata
        with open(beside, "rb") as stream:
            names: Mapping[int, str] = category_names(stream.read(_MOST_NAMES))
    except (OSError, ValueError) as error:
        warn(f"ignored {os.path.basename(beside)}: {error}")
        return metadata
    if not names:
        return metadata
    classes = metadata.classes or LabelClasses()
    return replace(metadata, classes=replace(classes, names={**names, **classes.names}))
