"""Write the smallest palette PNG of an image."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from PIL import Image

from kmcodec.coding.packed import pack_rows
from kmcodec.errors import KmcInputError
from kmcodec.formats.apng import SIGNATURE, png_chunk, png_chunks
from kmcodec.formats.pillow_images import mode_of, to_pillow
from kmcodec.formats.resolution import is_resolution_only
from kmcodec.model.image import IndexedImage
from kmcodec.model.pixels import to_channels
from kmcodec.parallel import heed_stop
from kmcodec.targets.images import metadata_options

__all__ = ["MOST_ENTRIES", "encode_palette_png"]

MOST_ENTRIES = 256
"""The most entries in the palette of a PNG."""

# Of zlib, with the memory for its matches. Which is best depends on the image.
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_RLE)
_MEMORY = (8, 9)
_MOST_EFFORT = 9


def encode_palette_png(image: IndexedImage) -> bytes:
    """Encode an image as a PNG with a palette, or with grey samples if that takes fewer bytes.

    Parameters
    ----------
    image : IndexedImage
        Of at most `MOST_ENTRIES` entries. Its metadata are kept.

    Returns
    -------
    bytes
        Of the lowest bit depth that holds the indices.

    Raises
    ------
    KmcInputError
        If the image has too many entries.
    """
    if len(image.palette) > MOST_ENTRIES:
        raise KmcInputError(
            f"{len(image.palette):,} entries, more than the {MOST_ENTRIES} of a PNG"
        )
    options = _options_of(image)
    pictures = [_with_palette(image)]
    if mode_of(len(image.palette), image.channels) != "P":
        pictures.append(to_pillow(image))
    return min((_packed(_saved(picture, options), picture) for picture in pictures), key=len)


def _with_palette(image: IndexedImage) -> Image.Image:
    """Return the image in mode P, with its translucent entries first: the alpha of others ends."""
    palette = to_channels(image.palette, 3 if image.channels in (1, 3) else 4)
    opaque = palette[:, 3] == 255 if palette.shape[1] == 4 else np.ones(len(palette), bool)
    order = np.argsort(opaque, kind="stable")
    places = np.argsort(order).astype(np.uint8)
    clear = int((~opaque).sum())
    made = to_pillow(IndexedImage(palette[order][:, :3], places[image.indices]))
    if clear:
        made.info["transparency"] = palette[order][:clear, 3].tobytes()
    return made


def _options_of(image: IndexedImage) -> dict[str, Any]:
    options = metadata_options(image.metadata, "PNG")
    # The chunk pHYs holds it too.
    if "dpi" in options and image.metadata.exif and is_resolution_only(image.metadata.exif):
        del options["exif"]
    return options


def _saved(picture: Image.Image, options: dict[str, Any]) -> bytes:
    # Some writers read options from `info`: keep only what belongs to the pixels.
    picture.info = {k: v for k, v in picture.info.items() if k == "transparency"}
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True, **options)
    return stream.getvalue()


def _packed(data: bytes, picture: Image.Image) -> bytes:
    """Compress a PNG again: Pillow filters some palette images, and its zlib may be a quick one."""
    chunks = [(kind, bytes(content)) for kind, content, _ in png_chunks(data)]
    stored = b"".join(content for kind, content in chunks if kind == b"IDAT")
    depth = dict(chunks)[b"IHDR"][8]
    samples = np.asarray(picture).reshape(picture.height, -1)
    rows = np.frombuffer(pack_rows(samples, depth), np.uint8).reshape(picture.height, -1)
    unfiltered = np.pad(rows, ((0, 0), (1, 0))).tobytes()
    made = [stored]
    for rest in (unfiltered, zlib.decompress(stored)):
        for strategy in _STRATEGIES:
            for memory in _MEMORY:
                heed_stop()
                packer = zlib.compressobj(_MOST_EFFORT, zlib.DEFLATED, 15, memory, strategy)
                made.append(packer.compress(rest) + packer.flush())
    first = next(number for number, (kind, _) in enumerate(chunks) if kind == b"IDAT")
    kept = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    kept.insert(first, (b"IDAT", min(made, key=len)))
    return SIGNATURE + b"".join(png_chunk(kind, content) for kind, content in kept)
