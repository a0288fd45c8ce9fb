"""Encode images in other formats."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from kmcodec.errors import KmcInputError, warn
from kmcodec.formats.matlab import write_mat
from kmcodec.formats.npz import write_npz
from kmcodec.formats.pillow_images import (
    COMMENT,
    EXIF_PREFIX,
    PNG_XMP_KEYWORD,
    WITH_COMMENT,
    to_pillow,
)
from kmcodec.formats.resolution import exif_resolution
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.pixels import to_channels
from kmcodec.sources.images import named_warnings
from kmcodec.targets.lost_metadata import warn_of_lost_metadata

__all__ = [
    "ARRAYS",
    "comment_of",
    "encode_image",
    "fit_for_gif",
    "format_of",
    "metadata_options",
]

ARRAYS = frozenset({".mat", ".npy", ".npz"})
"""Extensions of files that hold arrays of numbers, and no metadata."""

# Palette images should keep their exact pixels in formats that can.
_OPTIONS: dict[str, dict[str, Any]] = {
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "JPEG": {"quality": 95},
    "WEBP": {"lossless": True, "exact": True},
}
# Modes to try, in this order, until the format accepts one.
_MODES = {
    "L": ("L", "RGB"),
    "LA": ("LA", "RGBA", "L", "RGB"),
    "P": ("P", "RGBA", "RGB"),
    "RGB": ("RGB",),
    "RGBA": ("RGBA", "RGB"),
}
_WITHOUT_ALPHA = frozenset({"L", "RGB"})
_XMP_TAG = 700
# Formats that store a resolution outside of EXIF.
_WITH_DPI = frozenset({"BMP", "DIB", "JPEG", "PNG", "TIFF"})


def encode_image(image: IndexedImage, kind: str) -> bytes:
    """Encode an image in the format of a file extension, fully in memory.

    Parameters
    ----------
    image : IndexedImage
    kind : str
        ``.npy``, ``.npz`` and ``.mat`` hold only the pixels (in the last two as ``A``); all other
        file extensions are Pillow's. Palette and metadata are kept if the format supports them.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If the extension is unknown, or the format cannot hold the image.

    Warns
    -----
    KmcWarning
        If transparency, colours or metadata are dropped, except metadata in files of `ARRAYS`.
    """
    extension = kind.lower()
    if extension == ".npy":
        stream = io.BytesIO()
        np.save(stream, image.to_array(), allow_pickle=False)
        return stream.getvalue()
    if extension == ".npz":
        return write_npz(image.to_array())
    if extension == ".mat":
        return write_mat(image.to_array())
    format_ = format_of(kind)
    with named_warnings(f"{extension} file"):
        return _encode_by_pillow(fit_for_gif(image) if format_ == "GIF" else image, format_)


def format_of(extension: str) -> str:
    """Return Pillow's name of the format of a file extension.

    Raises
    ------
    KmcInputError
        If no writable format has this extension.
    """
    format_ = Image.registered_extensions().get(extension.lower(), "")
    if format_ == "KMC" or format_ not in Image.SAVE:
        raise KmcInputError(
            f"cannot write {extension!r} files; "
            "use .png, .gif, .tiff, .bmp, .webp, .jpg, .npy, .npz or .mat"
        )
    return format_


def _encode_by_pillow(image: IndexedImage, format_: str) -> bytes:
    picture = to_pillow(image)
    options = _OPTIONS.get(format_, {}) | metadata_options(image.metadata, format_)
    # Some writers read options from `info`: keep only what belongs to the pixels.
    picture.info = {k: v for k, v in picture.info.items() if k == "transparency"}
    translucent = _is_translucent(image)
    fault = "no mode fits"
    for mode in _MODES[picture.mode]:
        if mode == "RGBA" and image.channels == 3:
            continue
        try:
            data = _save(_converted(picture, mode), format_, options)
        except Exception as error:  # each writer raises its own
            fault = str(error) or type(error).__name__
            continue
        lost = translucent and (mode in _WITHOUT_ALPHA or not _reads_back(data, image, True))
        if lost and mode not in _WITHOUT_ALPHA:
            continue
        if lost:
            warn(f"dropped transparency: {format_} has none")
        if _reads_back(data, image, False):
            warn_of_lost_metadata(data, image.metadata, format_)
            return data
        fault = "it holds other sizes only"
    raise KmcInputError(
        f"cannot write an image of {image.width} x {image.height} pixels as {format_}: {fault}"
    )


def _is_translucent(image: IndexedImage) -> bool:
    return image.channels in (2, 4) and int(image.palette[:, -1].min()) < 255


def _converted(picture: Image.Image, mode: str) -> Image.Image:
    if mode == picture.mode:
        return picture
    if picture.mode == "P" and mode == "RGB" and "transparency" in picture.info:
        # In two steps: in one, Pillow would choose a colour to stand for transparency.
        picture = picture.convert("RGBA")
    return picture.convert(mode)


def _save(picture: Image.Image, format_: str, options: dict[str, Any]) -> bytes:
    try:
        return _saved(picture, format_, options)
    except Exception:  # a second try shows whether the metadata are at fault
        return _saved(picture, format_, _OPTIONS.get(format_, {}))


def _saved(picture: Image.Image, format_: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format_, **options)
    return stream.getvalue()


def _reads_back(data: bytes, image: IndexedImage, with_alpha: bool) -> bool:
    """Whether the written file keeps the image's size, or its transparency if `with_alpha`.

    Several writers silently drop the alpha of mode P or RGBA, or scale an icon.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if with_alpha:
                return opened.has_transparency_data
            return opened.size == (image.width, image.height)
    except Exception:  # write-only formats, such as PDF, cannot be checked
        return True


def metadata_options(metadata: Metadata, format_: str) -> dict[str, Any]:
    """Return the options of Pillow's `save` that write metadata in a format."""
    options: dict[str, Any] = {}
    if metadata.icc:
        options["icc_profile"] = metadata.icc
    if metadata.exif:
        options["exif"] = EXIF_PREFIX + metadata.exif
        if format_ in _WITH_DPI and (dpi := exif_resolution(metadata.exif)):
            options["dpi"] = dpi
    if metadata.xmp:
        options["xmp"] = metadata.xmp
    if format_ in WITH_COMMENT and (comment := comment_of(metadata)):
        options["comment"] = comment
    if format_ == "PNG":
        options["pnginfo"] = _png_texts(metadata)
    if format_ == "TIFF" and metadata.xmp:
        options["exif"] = _exif_with_xmp(metadata)
    return options


def comment_of(metadata: Metadata) -> bytes:
    """Return the comment for GIF and JPEG, which hold one text."""
    return metadata.text.get(COMMENT, "").encode()


def _png_texts(metadata: Metadata) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for keyword, text in metadata.text.items():
        if keyword.encode("latin-1", "replace").decode("latin-1") == keyword:
            chunks.add_text(keyword, text)
        else:
            warn(f"dropped the text {keyword!r}: PNG keywords must be Latin-1")
    if metadata.xmp:
        chunks.add_itxt(PNG_XMP_KEYWORD, metadata.xmp.decode("utf-8", "replace"))
    return chunks


def _exif_with_xmp(metadata: Metadata) -> Image.Exif:
    # TIFF keeps XMP in its own tag, and Pillow takes tags from EXIF.
    exif = Image.Exif()
    if metadata.exif:
        exif.load(EXIF_PREFIX + metadata.exif)
    exif[_XMP_TAG] = metadata.xmp
    return exif


def fit_for_gif(image: IndexedImage) -> IndexedImage:
    """Reduce transparency to that of GIF: one clear entry, all others opaque."""
    if len(image.palette) > 256:
        warn("reduced to the 256 colours of a GIF")
        return image
    if not _is_translucent(image):
        return image
    alpha = image.palette[:, -1]
    if ((alpha > 0) & (alpha < 255)).any():
        warn("GIF has no partial transparency: such pixels become opaque")
    (clear,) = np.nonzero(alpha == 0)
    palette = np.array(to_channels(image.palette, 4))
    palette[:, 3] = 255
    indices = image.indices
    if len(clear):
        palette[clear[0], 3] = 0
        renumbered = np.arange(len(palette), dtype=np.uint8)
        renumbered[clear] = clear[0]
        indices = renumbered[indices]
    return IndexedImage(palette, indices, image.metadata)
