"""Convert images and metadata from and to Pillow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.container.metadata import is_keyword
from kmcodec.errors import KmcInputError, KmcLossWarning, warn
from kmcodec.formats.display_tags import profile_in, warn_of_tags_left_out
from kmcodec.formats.file_samples import as_meant
from kmcodec.formats.integer_samples import integer_samples
from kmcodec.formats.resolution import (
    as_resolution,
    exif_resolution,
    is_turned_by_pillow,
    resolution_in,
    turned_resolution,
    with_resolution,
)
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.pixels import as_pixels, from_16_bits

__all__ = [
    "COMMENT",
    "EXIF_PREFIX",
    "PNG_XMP_KEYWORD",
    "WITH_COMMENT",
    "attach_metadata",
    "comment_text",
    "from_pillow",
    "metadata_from_pillow",
    "mode_of",
    "to_pillow",
    "transparency_of",
]

EXIF_PREFIX = b"Exif\0\0"
"""The prefix that JPEG and Pillow put before the TIFF structure of EXIF."""

PNG_XMP_KEYWORD = "XML:com.adobe.xmp"
"""The keyword of an XMP packet among the texts of a PNG."""

COMMENT = "Comment"
"""The keyword of the one text that GIF and JPEG can hold."""

WITH_COMMENT = frozenset({"GIF", "JPEG"})
"""Formats with this one text."""

_CONVERSIONS = {"RGBa": "RGBA", "La": "LA"}
# Modes whose samples are not RGB.
_OTHER_COLORS = frozenset({"CMYK", "HSV", "LAB", "YCbCr"})
_FOREIGN_ICC_MODES = frozenset({"CMYK", "LAB"})

# Texts share Pillow's info dict with values that affect its conversions and saves.
_INFO_OF_PILLOW = frozenset({"icc_profile", "exif", "xmp", "transparency", "dpi", "gamma"})

# Most of TIFF's tags describe the file's layout. These describe the image: contents, author,
# tools, resolution, EXIF and GPS parts.
_TIFF_DESCRIPTION = (270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 33432)
_TIFF_PARTS = (0x8769, 0x8825)


def from_pillow(image: Image.Image) -> NDArray[np.uint8] | IndexedImage:
    """Return the pixels of a Pillow image, or its palette and indices if it has them.

    Parameters
    ----------
    image : PIL.Image.Image
        Any mode. Palette images keep their palette, entry by entry. A palette with transparency
        gets a fourth channel, an image with a colour key an alpha channel.

    Returns
    -------
    IndexedImage
        For modes P and 1, without metadata.
    ndarray of uint8, shape (H, W) or (H, W, C)
        For all others.

    Raises
    ------
    KmcInputError
        If samples of mode I or F are out of range, or Pillow cannot convert the mode.

    Warns
    -----
    KmcLossWarning
        If samples were reduced to 8 bits, or converted from inks and the like.
    """
    if 0 in image.size:
        raise KmcInputError(f"the image is empty: {image.size[0]} x {image.size[1]} pixels")
    image = as_meant(image)
    if image.mode == "P":
        return _from_palette_mode(image)
    if image.mode == "PA":
        return _from_palette_and_alpha(image)
    if image.mode == "1":
        return _from_bilevel(image)
    if image.mode.startswith("I;16"):
        return _from_16_bit_mode(image)
    if image.mode == "I":
        return _from_32_bit_mode(image)
    if image.mode == "F":
        return as_pixels(np.asarray(image))
    # A copy, as Pillow's array is read-only.
    return np.array(_as_8_bit_mode(image))


def mode_of(entries: int, channels: int) -> str:
    """Return the Pillow mode of an image with this many palette entries and channels."""
    if channels <= 2:
        return "L" if channels == 1 else "LA"
    if entries <= 256:
        return "P"
    return "RGB" if channels == 3 else "RGBA"


def to_pillow(image: IndexedImage) -> Image.Image:
    """Make a Pillow image, with the metadata where Pillow's PNG reader puts them.

    Parameters
    ----------
    image : IndexedImage

    Returns
    -------
    PIL.Image.Image
        Mode L or LA for grey; P, with exactly these palette entries, for up to 256 colours; RGB
        or RGBA above. Its ``text`` attribute holds the texts.
    """
    if mode_of(len(image.palette), image.channels) == "P":
        made = _to_palette_mode(image)
    else:
        made = Image.fromarray(image.to_array())
    attach_metadata(made, image.metadata)
    return made


def attach_metadata(image: Image.Image, metadata: Metadata | None) -> None:
    """Put metadata into ``info`` and ``text`` of a Pillow image, as its PNG reader would."""
    kept = metadata or Metadata()
    image.info.update({k: v for k, v in kept.text.items() if k not in _INFO_OF_PILLOW})
    if kept.icc:
        image.info["icc_profile"] = kept.icc
    if kept.exif:
        image.info["exif"] = EXIF_PREFIX + kept.exif
        if dpi := exif_resolution(kept.exif):
            image.info["dpi"] = dpi
    if kept.xmp:
        image.info["xmp"] = kept.xmp
    image.text = dict(kept.text)  # type: ignore[attr-defined]
    image.label_array = kept.labels  # type: ignore[attr-defined]


def comment_text(comment: bytes) -> str:
    """Decode a comment of a GIF or JPEG, whose encoding is unspecified."""
    try:
        return comment.replace(b"\0", b"").decode()
    except UnicodeDecodeError:
        return comment.replace(b"\0", b"").decode("latin-1")


def transparency_of(alpha: NDArray[np.uint8]) -> int | bytes:
    """Return the alpha of a palette as Pillow's PNG reader does: one index, or all values."""
    (translucent,) = np.nonzero(alpha != 255)
    if len(translucent) == 1 and alpha[translucent[0]] == 0:
        return int(translucent[0])
    return alpha.tobytes()


def metadata_from_pillow(
    image: Image.Image,
    overrides: Mapping[str, Any] | None = None,
    *,
    turned: bool | None = None,
) -> Metadata:
    """Collect the metadata of a Pillow image.

    Parameters
    ----------
    image : PIL.Image.Image
    overrides : mapping, optional
        Arguments of `Image.save`: values for ``icc_profile``, ``exif`` (bytes or
        `PIL.Image.Exif`), ``xmp`` (bytes or str) and ``text`` (a mapping) that replace the
        image's own. None or an empty value drops the part. ``dpi``, one or two numbers, goes
        into the EXIF.
    turned : bool, optional
        Whether rows of the file are columns of the image; detected if not given.

    Returns
    -------
    Metadata
        Without empty values and values of a wrong type.

    Warns
    -----
    KmcWarning
        If a text, a profile or a display tag of the file is dropped.

    Notes
    -----
    The chunks cICP, gAMA and cHRM of a PNG become an ICC profile. The resolution goes into the
    EXIF, for all formats.
    """
    given = overrides or {}
    warn_of_tags_left_out(image)
    return Metadata(
        icc=_as_bytes(given["icc_profile"]) if "icc_profile" in given else _icc_of(image),
        exif=_exif_with_resolution(image, given, turned),
        xmp=_as_bytes(given["xmp"] if "xmp" in given else _xmp_of(image)),
        text=_as_texts(given["text"] if "text" in given else _texts_of(image)),
        labels=getattr(image, "label_array", None),
    )


def _from_palette_mode(image: Image.Image) -> IndexedImage:
    # A copy, as Pillow's array is read-only.
    indices = np.array(image)
    entries = max(_entry_count(image), int(indices.max()) + 1)
    # Let Pillow convert each index to a colour: this covers palettes of all modes, and indices
    # beyond the palette's end.
    ramp = image.crop((0, 0, entries, 1))
    ramp.info.pop("transparency", None)
    ramp.frombytes(bytes(range(entries)))
    palette = np.array(ramp.convert("RGBA"))[0]
    mode = _palette_mode(image)
    if mode == "CMYK":
        _warn_of_conversion(mode)
        # Except that Pillow returns the inks unconverted, as if they were colours and alpha.
        inks = Image.fromarray(palette[np.newaxis], "CMYK")
        palette = np.array(inks.convert("RGB").convert("RGBA"))[0]
    elif mode != "RGBA":
        palette[:, 3] = 255
    transparency = image.info.get("transparency")
    if isinstance(transparency, int):
        palette[transparency : transparency + 1, 3] = 0
    elif isinstance(transparency, bytes):
        alpha = np.frombuffer(transparency[:entries], np.uint8)
        palette[: len(alpha), 3] = alpha
    elif mode != "RGBA":
        palette = palette[:, :3]
    return IndexedImage(palette, indices)


def _from_palette_and_alpha(image: Image.Image) -> NDArray[np.uint8]:
    samples = np.array(image)
    # Without the palette's own alpha, which the alpha of the pixels overrides.
    alone = Image.fromarray(samples[..., 0]).convert("P")
    raw, kept = ("CMYK", "RGBA") if _palette_mode(image) == "CMYK" else ("RGB", "RGB")
    alone.putpalette(image.im.getpalette(kept, kept), raw)
    return np.dstack([_from_palette_mode(alone).to_array(), samples[..., 1]])


def _entry_count(image: Image.Image) -> int:
    mode = image.im.getpalettemode()
    return len(image.im.getpalette(mode, mode)) // len(mode)


def _palette_mode(image: Image.Image) -> str:
    # For some CMYK palettes Pillow's core says RGB, but the palette object does not.
    kept, described = image.im.getpalettemode(), getattr(image.palette, "mode", "")
    return "CMYK" if "CMYK" in (kept, described) else str(kept)


def _from_bilevel(image: Image.Image) -> IndexedImage:
    indices = np.array(image).astype(np.uint8)
    palette = np.array([[0, 255], [255, 255]], np.uint8)
    transparency = image.info.get("transparency")
    if not isinstance(transparency, int):
        return IndexedImage(palette[:, :1], indices)
    # White is 255 in some releases of Pillow, and 1, as in the file, in others.
    palette[1 if transparency else 0, 1] = 0
    return IndexedImage(palette, indices)


def _from_16_bit_mode(image: Image.Image) -> NDArray[np.uint8]:
    samples = np.asarray(image)
    reduced = from_16_bits(samples)
    transparency = image.info.get("transparency")
    if not isinstance(transparency, int):
        return reduced
    # The key is one of 65,536 values: compare before the samples lose their low bits.
    alpha = np.where(samples == transparency, 0, 255).astype(np.uint8)
    return np.dstack([reduced, alpha])


def _from_32_bit_mode(image: Image.Image) -> NDArray[np.uint8]:
    samples = integer_samples(image)
    samples = np.asarray(image) if samples is None else samples
    if samples.dtype == np.uint16:
        return from_16_bits(samples)
    # Mode I has no bit depth, and the values of one image do not determine that of the next.
    low, high = int(samples.min()), int(samples.max())
    if low >= 0 and high <= 255:
        return samples.astype(np.uint8)
    raise KmcInputError(
        f"an image of mode I has values from {low} to {high}: scale it to 0 to 255, "
        "or convert samples of 16 bits to mode I;16"
    )


def _as_8_bit_mode(image: Image.Image) -> Image.Image:
    """Convert to mode L, LA, RGB or RGBA, if the image has another."""
    transparency = image.info.get("transparency")
    wanted = image.mode
    if image.mode == "RGB" and isinstance(transparency, tuple):
        wanted = "RGBA"
    elif image.mode not in ("L", "LA", "RGB", "RGBA"):
        wanted = _CONVERSIONS.get(image.mode, "RGB")
    if wanted == image.mode:
        return image
    try:
        converted = image.convert(wanted)
    except (ValueError, TypeError, ImportError) as error:
        raise KmcInputError(f"mode {image.mode} cannot be converted to {wanted}") from error
    if image.mode in _OTHER_COLORS:
        _warn_of_conversion(image.mode)
    return converted


def _warn_of_conversion(mode: str) -> None:
    warn(f"{mode} samples converted to RGB", KmcLossWarning)


def _to_palette_mode(image: IndexedImage) -> Image.Image:
    made = Image.frombytes("P", (image.width, image.height), image.indices.tobytes())
    made.putpalette(image.palette[:, :3].tobytes(), "RGB")
    if image.channels == 4:
        made.info["transparency"] = transparency_of(image.palette[:, 3])
    return made


def _icc_of(image: Image.Image) -> bytes | None:
    profile = _as_bytes(profile_in(image))
    if profile and image.mode in _FOREIGN_ICC_MODES:
        # It describes the inks, so it would be wrong for the RGB pixels made from them.
        warn(f"dropped the {image.mode} colour profile", KmcLossWarning)
        return None
    return profile


def _exif_with_resolution(
    image: Image.Image, given: Mapping[str, Any], turned: bool | None
) -> bytes | None:
    exif = _as_exif(given["exif"] if "exif" in given else _exif_of(image))
    if "exif" not in given and "dpi" not in given:
        dpi = resolution_in(image)
        exif = with_resolution(exif, dpi) if dpi else exif
        turned = is_turned_by_pillow(image) if turned is None else turned
        return turned_resolution(exif) if turned else exif
    dpi = as_resolution(given["dpi"]) if "dpi" in given else None
    return with_resolution(exif, dpi) if dpi else exif


def _exif_of(image: Image.Image) -> Any:
    if "exif" in image.info:
        return image.info["exif"]
    try:
        if image.format == "TIFF":
            return _described(image.getexif())
        if "Raw profile type exif" in image.info:
            return image.getexif()
    except Exception:  # damaged EXIF may raise anything; the pixels are still intact
        warn("dropped damaged EXIF")
    return None


def _described(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag in _TIFF_DESCRIPTION:
        if tag in exif:
            kept[tag] = exif[tag]
    for tag in _TIFF_PARTS:
        if part := exif.get_ifd(tag):
            kept[tag] = dict(part)
    return kept


def _as_exif(value: Any) -> bytes | None:
    if isinstance(value, Image.Exif):
        value = value.tobytes() if len(value) else None
    return _as_bytes(value.removeprefix(EXIF_PREFIX) if isinstance(value, bytes) else value)


def _xmp_of(image: Image.Image) -> Any:
    # Before Pillow 11, the PNG reader kept XMP only under the keyword of its text chunk.
    return image.info.get("xmp") or image.info.get(PNG_XMP_KEYWORD)


def _as_bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogatepass")
    if isinstance(value, (bytes, bytearray, memoryview)) and len(value):
        return bytes(value)
    return None


def _texts_of(image: Image.Image) -> Any:
    comment = image.info.get("comment")
    if image.format not in WITH_COMMENT or not isinstance(comment, bytes):
        return getattr(image, "text", None)
    return {COMMENT: comment_text(comment)}


def _as_texts(texts: Any) -> dict[str, str]:
    kept: dict[str, str] = {}
    for keyword, text in texts.items() if isinstance(texts, Mapping) else ():
        if not (isinstance(keyword, str) and isinstance(text, str) and text):
            continue
        if keyword == PNG_XMP_KEYWORD:
            continue  # kept as XMP
        if is_keyword(keyword) and _is_utf8(text):
            # PNG's iTXt is a str with a language attached: only the plain str is kept.
            kept[str(keyword)] = str(text)
        else:
            warn(f"dropped the text {keyword[:80]!r}")
    return kept


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
