"""Thumbnails of `.kmc` files, as the thumbnail specification of freedesktop.org wants them."""

from __future__ import annotations

import io
import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote_from_bytes

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from kmcodec._version import __version__
from kmcodec.container.layout import Strip
from kmcodec.decoder import checked_metadata
from kmcodec.desktop.label_colors import shown_labels
from kmcodec.desktop.shrinking import Shrinker, fitted
from kmcodec.errors import KmcLimitError
from kmcodec.formats.color_profiles import pixels_in_srgb
from kmcodec.formats.pillow_images import EXIF_PREFIX
from kmcodec.model.limits import Limits
from kmcodec.parallel import in_turn
from kmcodec.reading.strip_reader import StripReader, coding_of
from kmcodec.sources.upright import turn_upright

__all__ = ["Thumbnail", "file_uri", "thumbnail_of"]

TYPE = "image/x-kmc"

# A sample of strips has at least one for so many rows of the thumbnail.
_ROWS_OF_STRIP = 8
# More strips than so many for each row of the thumbnail would not show.
_STRIPS_OF_ROW = 8
# What GLib leaves as it is in the URI of a path, besides letters, digits and "-._~".
_PLAIN = "/!$&'()*+,:=@"


@dataclass(frozen=True)
class Thumbnail:
    """The thumbnail of a file.

    Parameters
    ----------
    picture : PIL.Image.Image
        Mode RGBA, in sRGB, upright.
    width, height : int
        Of the whole image, upright.
    size : int
        Bytes of the file.
    """

    picture: Image.Image
    width: int
    height: int
    size: int

    def to_png(self, uri: str, modified: int) -> bytes:
        """Return a PNG that says of what it is the thumbnail.

        Parameters
        ----------
        uri : str
            Of the file.
        modified : int
            When it was changed last, in seconds since 1970.
        """
        texts = PngImagePlugin.PngInfo()
        for keyword, value in {
            "Thumb::URI": uri,
            "Thumb::MTime": modified,
            "Thumb::Size": self.size,
            "Thumb::Mimetype": TYPE,
            "Thumb::Image::Width": self.width,
            "Thumb::Image::Height": self.height,
            "Software": f"kmcodec {__version__}",
        }.items():
            texts.add_text(keyword, str(value))
        stream = io.BytesIO()
        self.picture.save(stream, "PNG", pnginfo=texts)
        return stream.getvalue()


def thumbnail_of(stream: IO[bytes], most: int, limits: Limits) -> Thumbnail:
    """Make the thumbnail of a file, of the first frame of an animation.

    Parameters
    ----------
    stream : binary file
        Seekable; the file begins at its start.
    most : int
        The most pixels on each side. Smaller images are not enlarged.
    limits : Limits
        Of an image of more than `max_pixels`, only the first rows of strips are decoded, no more
        than that in all.

    Raises
    ------
    KmcFormatError
        If the file is damaged. Of strips only those needed are checked.
    KmcLimitError
        If its first frame cannot be decoded within the limits, even in part.

    Warns
    -----
    KmcWarning
        If metadata are damaged: a colour profile, an orientation, labels.
    """
    reader = StripReader(stream, limits)
    header = reader.header
    metadata = checked_metadata(reader)
    palette, rows = shown_labels(reader.palette, (header.width, header.height), metadata)
    if palette is reader.palette:  # colours of classes are in sRGB
        (palette,) = pixels_in_srgb(palette[np.newaxis], metadata.icc)
    size = header.width, rows[1] - rows[0]
    small = fitted(*size, most)
    shrinker = Shrinker(palette, size, small)
    for first, indices in _rows_of(reader, rows, small[1], limits):
        shrinker.add(first - rows[0], indices)
    picture = Image.fromarray(shrinker.result())
    width, height = header.width, header.height
    if metadata.exif:
        picture.info["exif"] = EXIF_PREFIX + metadata.exif
        if turn_upright(picture, turned=False):
            width, height = height, width
        picture.info.clear()
    return Thumbnail(picture, width, height, reader.container.size)


def _rows_of(
    reader: StripReader, rows: tuple[int, int], wanted: int, limits: Limits
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield blocks of rows of the first frame with their first row, from the top.

    These are all rows or, of too many, those of strips that lie evenly, or their first ones.
    """
    header, most = reader.header, limits.max_pixels
    each = min(header.rows_per_strip or header.height, header.height)
    numbers = range(rows[0] // each, -(-rows[1] // each))
    count, per_strip = min(len(numbers), _STRIPS_OF_ROW * wanted), each
    if most is not None and reader.sheet_width * (rows[1] - rows[0]) > most:
        count, per_strip = _sample(reader, count, each, wanted, most)
    chosen = {numbers[part * len(numbers) // count] for part in range(count)}

    def strips() -> Iterator[tuple[Strip, bytes, int, int]]:
        for strip in reader.strips():
            begin, end = strip.rows
            if begin >= rows[1]:
                break
            if strip.number in chosen:
                first = max(begin, rows[0])
                stop = min(end, rows[1], first + per_strip)
                decoded_rows = (end if _decodes_whole(reader) else stop) - begin
                limits.check_pixels(
                    reader.sheet_width * decoded_rows,
                    f"{strip.name}: {reader.sheet_width:,} x {decoded_rows:,}",
                )
                yield strip, reader.container.payload(strip), first, stop

    def decoded(item: tuple[Strip, bytes, int, int]) -> tuple[int, NDArray[Any]]:
        strip, payload, first, stop = item
        begin = strip.rows[0]
        sheet = reader.decode(strip, payload, stop - begin)
        return first, reader.first_frame(sheet)[first - begin :]

    yield from in_turn(decoded, strips())


def _decodes_whole(reader: StripReader) -> bool:
    """Whether the first rows of a strip cost as much as all of them: they do with deflate."""
    return coding_of(reader.header).name == "deflate"


def _sample(reader: StripReader, strips: int, each: int, wanted: int, most: int) -> tuple[int, int]:
    """Return how many strips to decode, and how many rows of each.

    Raises
    ------
    KmcLimitError
        If so few show nothing.
    """
    width, count, rows = reader.sheet_width, min(strips, wanted), each
    if _decodes_whole(reader):
        count = min(count, most // (width * each))
    else:
        rows = min(each, most // (width * count))
    if count * _ROWS_OF_STRIP < wanted or not rows:
        header, frames = reader.header, reader.container.frames.count
        times = f"{frames:,} x " if frames > 1 else ""
        raise KmcLimitError(
            f"{times}{header.width:,} x {header.height:,} pixels exceed the limit of {most:,}, and "
            "too few strips make a sample (raise max_pixels)"
        )
    return count, rows


def file_uri(path: str) -> str:
    """Return the URI of a file as GLib writes it, which desktops compare with their own."""
    absolute = os.path.abspath(path)
    if os.name == "nt":
        return pathlib.Path(absolute).as_uri()
    return "file://" + quote_from_bytes(os.fsencode(absolute), safe=_PLAIN)
