"""Pixels to an IndexedImage, and that to the bytes of a `.kmc` file."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeAlias

from numpy.typing import ArrayLike
from PIL import Image

from kmcodec.coding import CODINGS
from kmcodec.container import Header, build
from kmcodec.errors import KmcInputError
from kmcodec.image import MAX_COLORS, IndexedImage, Metadata
from kmcodec.metadata import sections_from_metadata
from kmcodec.pillow_images import from_pillow, metadata_from_pillow
from kmcodec.pixels import as_pixels
from kmcodec.quantization import INITS, quantize_pixels

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kmcodec._options import QuantizeOptions

__all__ = ["DEFAULT_CODING", "DEFAULT_COLORS", "ImageLike", "encode", "quantize"]

ImageLike: TypeAlias = "ArrayLike | Image.Image | IndexedImage"

DEFAULT_COLORS = 256
DEFAULT_CODING = "deflate"
MAX_STRIP_ROWS = 65_535


def quantize(
    image: ImageLike,
    k: int | None = None,
    *,
    init: str = "pca",
    seed: int = 0,
    iterations: int = 100,
    restarts: int = 1,
) -> IndexedImage:
    """Find a palette of at most k colours by k-means, and the nearest entry of each pixel.

    Parameters
    ----------
    image : array_like, PIL.Image.Image or IndexedImage
        An array has shape (H, W), (H, W, 2), (H, W, 3) or (H, W, 4): grey, grey and alpha, RGB,
        RGBA; uint8, other integers in 0 ... 255, bool, or floats in 0 ... 1.
    k : int, optional
        Palette entries, 1 to 65,536; 256 if not given. An image with no more colours is kept
        exactly. An `IndexedImage` is kept exactly whatever its entries if k is not given; a
        Pillow image of mode P if it has no more than k entries.
    init : {'pca', 'k-means++', 'random'}
        Where k-means starts. `pca` is deterministic: cells cut along their principal axes.
    seed : int
        For the random starts, not negative. The same image, options and seed give the same
        palette everywhere.
    iterations : int
        The most rounds of Lloyd's algorithm for a start.
    restarts : int
        Starts of which the best is taken.

    Returns
    -------
    IndexedImage
        Entries distinct, all of them used, from dark to bright; ties in the assignment go to the
        lower index. Metadata of a Pillow image is kept.

    Raises
    ------
    KmcInputError
        If the image or an option is wrong; also if an `IndexedImage` has more than k entries
        (quantise ``image.to_array()`` to reduce them).

    Examples
    --------
    >>> import numpy as np, kmcodec
    >>> ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    >>> kmcodec.quantize(ramp, 4).palette.ravel().tolist()
    [32, 96, 160, 224]
    """
    colors = _checked_integer("k", DEFAULT_COLORS if k is None else k, 1, MAX_COLORS)
    if init not in INITS:
        raise KmcInputError(f"init is one of {', '.join(INITS)}, not {init!r}")
    options: dict[str, Any] = {
        "init": init,
        "seed": _checked_integer("seed", seed, 0),
        "iterations": _checked_integer("iterations", iterations, 1),
        "restarts": _checked_integer("restarts", restarts, 1),
    }
    metadata = Metadata()
    if isinstance(image, IndexedImage):
        if k is not None and len(image.palette) > colors:
            raise KmcInputError(
                f"the image has {len(image.palette):,} palette entries, more than k = {colors:,}: "
                "quantise image.to_array() to reduce them"
            )
        return image
    if isinstance(image, Image.Image):
        metadata = metadata_from_pillow(image)
        image = from_pillow(image)
        if isinstance(image, IndexedImage):
            if len(image.palette) <= colors:
                return IndexedImage(image.palette, image.indices, metadata)
            image = image.to_array()
    palette, indices = quantize_pixels(as_pixels(image), colors, **options)
    return IndexedImage(palette, indices, metadata)


def encode(
    image: ImageLike,
    k: int | None = None,
    *,
    coding: str = DEFAULT_CODING,
    strip_rows: int = 0,
    metadata: Metadata | None = None,
    **options: Unpack[QuantizeOptions],
) -> bytes:
    """Encode an image as a `.kmc` file.

    Parameters
    ----------
    image, k
        See `quantize`.
    coding : {'deflate', 'packed'}
        How the indices are coded.
    strip_rows : int
        Rows of an independently coded strip, up to 65,535; 0 codes the image as one.
    metadata : Metadata, optional
        What to write instead of the image's own metadata; ``Metadata()`` for none.
    **options
        `init`, `seed`, `iterations` and `restarts` of `quantize`.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If the image, an option or the metadata is wrong.
    """
    if coding not in CODINGS:
        raise KmcInputError(f"coding is one of {', '.join(CODINGS)}, not {coding!r}")
    strip_rows = _checked_integer("strip_rows", strip_rows, 0, MAX_STRIP_ROWS)
    indexed = quantize(image, k, **options)
    method = CODINGS[coding]
    header = Header(
        coding=method.number,
        channels=indexed.channels,
        width=indexed.width,
        height=indexed.height,
        entries=len(indexed.palette),
        rows_per_strip=strip_rows if strip_rows < indexed.height else 0,
    )
    payloads = []
    for strip in range(header.strip_count):
        first, end = header.rows_of(strip)
        payloads.append(method.encode(indexed.indices[first:end], header.entries))
    sections = sections_from_metadata(indexed.metadata if metadata is None else metadata)
    return build(header, indexed.palette, payloads, sections)


def _checked_integer(name: str, value: int, least: int, most: int | None = None) -> int:
    span = f"at least {least}" if most is None else f"from {least} to {most:,}"
    try:
        number = operator.index(value)
    except TypeError:
        raise KmcInputError(f"{name} is a whole number {span}, not {value!r}") from None
    if number < least or (most is not None and number > most):
        raise KmcInputError(f"{name} is a whole number {span}, not {number}")
    return number
