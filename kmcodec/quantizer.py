"""Quantise pixels to an IndexedImage: a palette, and an index into it for each pixel."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from kmcodec.errors import KmcInputError, warn
from kmcodec.formats.fitting import fitting_metadata
from kmcodec.formats.pillow_images import from_pillow, metadata_from_pillow
from kmcodec.model.frozen import owned
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.keys import keys_of
from kmcodec.model.pixels import as_pixels, common_channels_for, to_channels
from kmcodec.model.stale_labels import without_stale_labels
from kmcodec.quantization import (
    Placing,
    QuantizeOptions,
    QuantizeRequest,
    Search,
    apply_palette,
    quantize_pixels,
)
from kmcodec.quantization.kept import Kept, channels_with, kept_entries

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
    keep: ArrayLike = Search.keep,
    dither: str = Placing.dither,
    dither_amount: float = Placing.dither_amount,
    palette: ArrayLike | None = None,
    reorder: bool = False,
) -> IndexedImage:
    """Find a palette of at most k colours by k-means, and the nearest entry for each pixel.

    Parameters
    ----------
    image : array_like, PIL.Image.Image or IndexedImage
        An array has shape (H, W), (H, W, 2), (H, W, 3) or (H, W, 4): grey, grey and alpha, RGB,
        RGBA; uint8, other integers in 0 ... 255, bool, or floats in 0 ... 1.
    k : int, optional
        Number of palette entries, 1 to 65,536; 256 if not given. An image with no more colours is
        kept exactly, as is one of mode P with no more entries, or any `IndexedImage` without k.
    init : {'pca', 'k-means++', 'random'}
        Starting points of k-means. `pca` is deterministic: it cuts cells along principal axes.
    seed : int
        Seed of the random starts, at least 0; the same seed gives the same palette everywhere.
    search : int
        How hard to search, 0 to 9: 0 is textbook k-means, 1 is fast, 9 takes seconds. From 1 on,
        grey images get the optimal palette.
    iterations : int
        The most rounds of Lloyd's algorithm at a time.
    restarts : int
        Number of starts; the best result is kept.
    space : {'srgb', 'oklab'}
        The colour space of distances and means: stored samples, or Oklab, nearer to human vision.
    keep : array_like, shape (N, C)
        At most k colours that stand in the palette exactly, even if no pixel uses them; the search
        finds the other entries. An image gets colour or alpha if a kept colour has it.
    dither : {'none', 'floyd-steinberg', 'blue-noise'}
        The dithering method; 'none' assigns the nearest entry to each pixel.
    dither_amount : float
        The share of the error that dithering makes up for, from 0 to 1; 1 is noisiest.
    palette : array_like, shape (K, C), uint8, optional
        Use these entries instead of a search, in their order, unused ones too. Its channels may
        differ from the image's.
    reorder : bool
        Sort the palette of a palette image from dark to bright; drop unused and duplicate entries.

    Returns
    -------
    IndexedImage
        Entries from a search or a reordering are distinct, all used or kept, from dark to bright.
        Ties in the assignment go to the lower index. Metadata of a Pillow image is kept.

    Raises
    ------
    KmcInputError
        If the image or an option is wrong, or an `IndexedImage` has more than k entries.

    Warns
    -----
    KmcLossWarning
        If reducing or dropping bits, inks, colours or a profile changes how pixels look.

    Examples
    --------
    >>> import numpy as np, kmcodec
    >>> ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    >>> kmcodec.quantize(ramp, 4).palette.ravel().tolist()
    [31, 94, 158, 223]
    """
    options: QuantizeOptions = {"init": init, "seed": seed, "search": search, "space": space}
    options |= {"iterations": iterations, "restarts": restarts, "keep": keep, "palette": palette}
    options |= {"dither": dither, "dither_amount": dither_amount, "reorder": reorder}
    return quantized(image, QuantizeRequest.of("quantize", k, **options))


def quantized(
    image: ImageLike,
    request: QuantizeRequest,
    metadata: Metadata | None = None,
    kept: NDArray[Any] | None = None,
) -> IndexedImage:
    """Quantise an image by a request; see `quantize`.

    Parameters
    ----------
    image
        See `quantize`.
    request : QuantizeRequest
    metadata : Metadata, optional
        Metadata to use instead of the image's own.
    kept : ndarray, shape (H, W), optional
        Entries of the given palette that dithered pixels keep, -1 for all others.

    Raises
    ------
    KmcInputError
        If the image is wrong, or does not match the request.

    Warns
    -----
    KmcWarning
        If transparency is lost, or labels that the metadata describe.
    """
    # This keeps palettes of any length: `_placed` decides, and labels are compared by them.
    before, own = _opened(image)
    made = _placed(image, before, own, request, kept)
    wanted = made.metadata if metadata is None else metadata
    if wanted.labels is not None:
        wanted = without_stale_labels(wanted, before, made)
    wanted = fitting_metadata(wanted, made.channels)
    return made if wanted is made.metadata else IndexedImage(made.palette, made.indices, wanted)


def _placed(
    image: ImageLike,
    pixels: NDArray[np.uint8] | IndexedImage,
    metadata: Metadata,
    request: QuantizeRequest,
    kept: NDArray[Any] | None,
) -> IndexedImage:
    """Return the image, given as it was opened, with the requested palette."""
    colors, palette = request.colors, request.palette
    if isinstance(pixels, IndexedImage) and palette is None:
        pixels = _with_kept(pixels, request.search.keep)
    if isinstance(pixels, IndexedImage) and not _keeps_palette(image, pixels, request):
        pixels = pixels.to_array()
    if isinstance(pixels, IndexedImage):
        if not request.reorder:
            return pixels
        # With as many colours as entries, all are kept and sorted like those of a search.
        colors, pixels = len(pixels.palette), pixels.to_array()
    if palette is not None:
        return _with_palette(pixels, palette, metadata, request.placing, kept)
    entries, indices = quantize_pixels(pixels, colors, request.search, request.placing)
    return IndexedImage(entries, owned(indices), metadata)


def _opened(image: ImageLike) -> tuple[NDArray[np.uint8] | IndexedImage, Metadata]:
    """Return the pixels of an image, or the image itself if it has a palette, and metadata."""
    if isinstance(image, IndexedImage):
        return image, image.metadata
    if not isinstance(image, Image.Image):
        return as_pixels(image), Metadata()
    metadata = metadata_from_pillow(image)
    opened = from_pillow(image)
    if isinstance(opened, IndexedImage):
        return IndexedImage(opened.palette, opened.indices, metadata), metadata
    return as_pixels(opened), metadata


def _with_kept(image: IndexedImage, keep: Kept) -> IndexedImage:
    """Return the image with the colours to keep that it lacks, as entries after its own."""
    channels = channels_with(keep, image.channels)
    palette, kept = to_channels(image.palette, channels), kept_entries(keep, channels)
    missing = kept[~np.isin(keys_of(kept), keys_of(palette))]
    if not len(missing):
        return image
    return IndexedImage(np.vstack([palette, missing]), image.indices, image.metadata)


def _keeps_palette(image: ImageLike, opened: IndexedImage, request: QuantizeRequest) -> bool:
    """Return whether an image keeps its palette: a Pillow image of too many entries gets a new one.

    Raises
    ------
    KmcInputError
        If an `IndexedImage` has more than k entries.
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
    kept: NDArray[Any] | None,
) -> IndexedImage:
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    channels = common_channels_for(palette, pixels.shape[2])
    palette, pixels = to_channels(palette, channels), to_channels(pixels, channels)
    if channels in (2, 4) and palette[:, -1].min() == 255 > pixels[..., -1].min():
        warn("the palette has no transparent entry: transparent pixels become opaque")
    return IndexedImage(palette, owned(apply_palette(pixels, palette, placing, kept)), metadata)


def is_indexed(image: ImageLike) -> bool:
    """Whether an image has its own palette."""
    if isinstance(image, Image.Image):
        return image.mode in ("P", "1")
    return isinstance(image, IndexedImage)


def pixels_of(image: ImageLike) -> tuple[NDArray[np.uint8], Metadata]:
    """Return the pixels of any image, with or without a palette, and its metadata.

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
