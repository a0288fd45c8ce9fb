"""Pixels to an IndexedImage: a palette, and an entry of it for each pixel."""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from kmcodec.errors import KmcInputError, KmcWarning
from kmcodec.formats.pillow_images import from_pillow, metadata_from_pillow
from kmcodec.model.frozen import owned
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.label_text import LABELS, without_stale_labels
from kmcodec.model.pixels import as_pixels, common_channels_for, to_channels
from kmcodec.quantization import (
    Placing,
    QuantizeRequest,
    Search,
    apply_palette,
    quantize_pixels,
)

__all__ = [
    "ImageLike",
    "is_indexed",
    "pixels_of",
    "quantize",
    "quantized",
]

ImageLike: TypeAlias = "ArrayLike | Image.Image | IndexedImage"


def quantize(
    image: ImageLike,
    k: int | None = None,
    *,
    init: str = Search.init,
    seed: int = Search.seed,
    search: int = Search.search,
    iterations: int = Search.iterations,
    restarts: int = Search.restarts,
    space: str = Search.space,
    dither: str = Placing.dither,
    dither_amount: float = Placing.dither_amount,
    palette: ArrayLike | None = None,
    reorder: bool = False,
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
    search : int
        How hard to search, 0 to 9: 0 is k-means as in a textbook, 1 is fast, 9 takes seconds.
        Grey images get the best palette there is from 1 on.
    iterations : int
        The most rounds of Lloyd's algorithm at a time.
    restarts : int
        Starts of which the best is taken.
    space : {'srgb', 'oklab'}
        Where distances and means are taken: in stored samples, or in Oklab, which is nearer to
        what people see.
    dither : {'none', 'floyd-steinberg', 'blue-noise'}
        How entries are placed; 'none' takes the nearest for each pixel.
    dither_amount : float
        From 0 to 1.
    palette : array_like, shape (K, C), uint8, optional
        Take these entries instead of looking for some, in their order, unused ones too. It may
        be grey for an image in colour, or in colour for a grey one, with alpha or without.
    reorder : bool
        Do not keep the palette of an `IndexedImage` or a Pillow image of mode P as it is: order
        it from dark to bright and leave out what is unused or double, so that it takes fewer
        bytes. The pixels stay the same.

    Returns
    -------
    IndexedImage
        Entries that were looked for or reordered are distinct, all used, from dark to bright;
        ties in the assignment go to the lower index. Metadata of a Pillow image is kept.

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
    [31, 94, 158, 223]
    """
    request = QuantizeRequest.of(
        "quantize()",
        k,
        init=init,
        seed=seed,
        search=search,
        iterations=iterations,
        restarts=restarts,
        space=space,
        dither=dither,
        dither_amount=dither_amount,
        palette=palette,
        reorder=reorder,
    )
    return quantized(image, request)


def quantized(
    image: ImageLike, request: QuantizeRequest, metadata: Metadata | None = None
) -> IndexedImage:
    """What `quantize` returns.

    Parameters
    ----------
    image
        See `quantize`.
    request : QuantizeRequest
    metadata : Metadata, optional
        What it is to have instead of the image's own.

    Raises
    ------
    KmcInputError
        If the image is wrong, or does not go with the request.

    Warns
    -----
    KmcWarning
        If transparency is lost, or the labels that metadata tell of are.
    """
    # A palette of any length is kept here: `_placed` decides, and labels are compared by it.
    before, own = _opened(image)
    made = _placed(image, before, own, request)
    wanted = made.metadata if metadata is None else metadata
    if LABELS in wanted.text:
        wanted = without_stale_labels(wanted, before, made)
    return made if wanted is made.metadata else IndexedImage(made.palette, made.indices, wanted)


def _placed(
    image: ImageLike,
    pixels: NDArray[np.uint8] | IndexedImage,
    metadata: Metadata,
    request: QuantizeRequest,
) -> IndexedImage:
    """The image, as it was opened, with the palette that a request asks for."""
    colors, palette = request.colors, request.palette
    if isinstance(pixels, IndexedImage) and not _keeps_palette(image, pixels, request):
        pixels = pixels.to_array()
    if isinstance(pixels, IndexedImage):
        if not request.reorder:
            return pixels
        # As many as there are entries: all are kept, and brought into the order of found ones.
        colors, pixels = len(pixels.palette), pixels.to_array()
    if palette is not None:
        return _with_palette(pixels, palette, metadata, request.placing)
    entries, indices = quantize_pixels(pixels, colors, request.search, request.placing)
    return IndexedImage(entries, owned(indices), metadata)


def _opened(image: ImageLike) -> tuple[NDArray[np.uint8] | IndexedImage, Metadata]:
    """The pixels of an image, or itself where it has a palette; and its metadata."""
    if isinstance(image, IndexedImage):
        return image, image.metadata
    if not isinstance(image, Image.Image):
        return as_pixels(image), Metadata()
    metadata = metadata_from_pillow(image)
    opened = from_pillow(image)
    if isinstance(opened, IndexedImage):
        return IndexedImage(opened.palette, opened.indices, metadata), metadata
    return as_pixels(opened), metadata


def _keeps_palette(image: ImageLike, opened: IndexedImage, request: QuantizeRequest) -> bool:
    """Whether an image keeps the palette that it has; it may not have more than k entries.

    A Pillow image of more gets a new palette, as any picture.
    """
    entries = len(opened.palette)
    if request.palette is not None:
        return False
    if isinstance(image, Image.Image):
        return entries <= request.colors
    if request.k is not None and entries > request.k:
        raise KmcInputError(
            f"the image has {entries:,} palette entries, more than k = {request.k:,}: "
            "quantise image.to_array() to reduce them"
        )
    return True


def _with_palette(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    metadata: Metadata,
    placing: Placing,
) -> IndexedImage:
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    channels = common_channels_for(palette, pixels.shape[2])
    palette, pixels = to_channels(palette, channels), to_channels(pixels, channels)
    if channels in (2, 4) and palette[:, -1].min() == 255 > pixels[..., -1].min():
        warnings.warn("the palette has no transparent entry: made opaque", KmcWarning, stacklevel=6)
    return IndexedImage(palette, owned(apply_palette(pixels, palette, placing)), metadata)


def is_indexed(image: ImageLike) -> bool:
    """Whether an image has a palette of its own."""
    if isinstance(image, Image.Image):
        return image.mode in ("P", "1")
    return isinstance(image, IndexedImage)


def pixels_of(image: ImageLike) -> tuple[NDArray[np.uint8], Metadata]:
    """The pixels of an image whatever its palette, and its metadata.

    Parameters
    ----------
    image
        See `quantize`.

    Returns
    -------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    metadata : Metadata
    """
    pixels, metadata = _opened(image)
    return pixels.to_array() if isinstance(pixels, IndexedImage) else pixels, metadata
