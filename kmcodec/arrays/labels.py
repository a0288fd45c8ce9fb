"""Arrays of integer labels as `.kmc` files (spec/kmc-1.md, section 7.1).

A text beside the image tells dtype, shape and values; the palette only makes the file a picture.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcodec.assembly import Assembly
from kmcodec.coding import AUTO
from kmcodec.container.metadata import DEFAULT_MAX_METADATA
from kmcodec.decoder import decode_indexed
from kmcodec.encoder import DEFAULT_CODING
from kmcodec.errors import KmcFormatError, KmcInputError
from kmcodec.image import MAX_COLORS, IndexedImage, Metadata, array_of
from kmcodec.label_text import LABELS
from kmcodec.palette_order import dark_to_bright
from kmcodec.reader import DEFAULT_MAX_PIXELS

__all__ = ["decode_labels", "encode_labels"]

_TEXT = re.compile(
    r"(?P<dtype>\|b1|\|[iu]1|[<>][iu][248]) "
    r"\((?P<shape>(?:\d{1,19}(?:,\d{1,19})*)?)\) "
    r"(?P<first>-?\d{1,20})(?P<gaps>(?:,\d{1,20}(?:\*\d{1,5})?)*)",
    re.ASCII,
)


def encode_labels(
    labels: ArrayLike,
    *,
    coding: str = DEFAULT_CODING,
    effort: str = AUTO,
    strip_rows: int | None = None,
) -> bytes:
    """Encode an array of labels as a `.kmc` file, losslessly.

    Parameters
    ----------
    labels : array_like, any shape, bool or integer of 8 to 64 bits, any byte order
        At most 65,536 distinct values. The last two axes are taken for images, which are laid
        below each other.
    coding, effort, strip_rows
        See `encode`.

    Returns
    -------
    bytes
        Shape, dtype, byte order and values come back from `decode_labels`. To all else the file
        is an image: in greys that rise with the labels, in colours if there are more than 256.

    Raises
    ------
    KmcInputError
        If they are no such labels, or an option is wrong.
    """
    array = array_of("labels", labels)
    if array.dtype.kind not in "iub":
        raise KmcInputError(f"labels are integers or bool, not {array.dtype}")
    assembly = Assembly(coding, effort, strip_rows)
    # Of no labels an image is made, too: of one pixel, which stands for nothing.
    filled = array if array.size else np.zeros((), array.dtype)
    values, ranks = _ranked(filled.reshape(_folded(filled.shape)))
    palette = _palette(len(values))
    # A palette in this order is stored in fewer bytes.
    order = dark_to_bright(palette)
    places = np.empty(len(order), np.intp)
    places[order] = np.arange(len(order))
    shape = ",".join(map(str, array.shape))
    text = f"{array.dtype.str} ({shape}) {_told(values)}"
    image = IndexedImage(palette[order], places[ranks], Metadata(text={LABELS: text}))
    return assembly.encode(image)


def decode_labels(
    data: bytes,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
) -> NDArray[Any]:
    """Decode what `encode_labels` made.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    max_pixels, max_metadata : int, optional
        See `decode`.

    Returns
    -------
    ndarray
        Of the shape, dtype and byte order that were encoded.

    Raises
    ------
    KmcFormatError
        If the file is damaged or truncated, or holds no labels.
    KmcLimitError
        See `decode`.
    """
    image = decode_indexed(data, max_pixels=max_pixels, max_metadata=max_metadata)
    text = image.metadata.text.get(LABELS)
    if text is None:
        raise KmcFormatError(f"this image holds no labels: it has no text {LABELS!r}")
    match = _TEXT.fullmatch(text)
    if match is None:
        raise _fault("it is malformed")
    dtype = np.dtype(match["dtype"])
    shape = tuple(map(int, match["shape"].split(","))) if match["shape"] else ()
    if _folded(shape if math.prod(shape) else ()) != image.indices.shape:
        raise _fault(f"shape {shape} does not fit {image.width:,} x {image.height:,} pixels")
    values = _values(int(match["first"]), match["gaps"], len(image.palette), dtype)
    by_entry = np.empty_like(values)
    by_entry[_ascending(image.palette)] = values
    try:
        if not math.prod(shape):
            return np.empty(shape, dtype)
        labels: NDArray[Any] = by_entry[image.indices].reshape(shape)
    except ValueError:
        raise _fault(f"no array has the shape {shape}") from None
    return labels


def _fault(what: str) -> KmcFormatError:
    return KmcFormatError(f"text {LABELS!r}: {what}")


def _folded(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of the image that an array of this shape becomes."""
    return math.prod(shape[:-1]), math.prod(shape[-1:])


def _ranked(labels: NDArray[Any]) -> tuple[list[int], NDArray[Any]]:
    """The distinct values, ascending, and for each label the rank of its value.

    Raises
    ------
    KmcInputError
        If there are more values than a palette has entries.
    """
    least, most = int(labels.min()), int(labels.max())
    # Distances from the least: modulo the dtype's span they are right for signed labels, too.
    native = np.ascontiguousarray(labels, labels.dtype.newbyteorder("="))
    unsigned = native.view(f"u{native.itemsize}")
    distances = unsigned - unsigned.dtype.type(least % (1 << 8 * native.itemsize))
    if most - least <= max(MAX_COLORS, labels.size):
        occurs = np.zeros(most - least + 1, bool)
        occurs[distances] = True
        distinct = np.flatnonzero(occurs)
        ranks = (np.cumsum(occurs) - 1)[distances]
    else:
        distinct, ranks = np.unique(distances, return_inverse=True)
    if len(distinct) > MAX_COLORS:
        raise KmcInputError(
            f"these labels have {len(distinct):,} distinct values, at most {MAX_COLORS:,} fit"
        )
    return [least + distance for distance in distinct.tolist()], ranks.reshape(labels.shape)


def _palette(count: int) -> NDArray[np.uint8]:
    """Colours that rise with the rank, so that near values look near, to the coder as well."""
    ranks = np.arange(count)
    if count <= 256:
        return (ranks * 255 // max(1, count - 1)).astype(np.uint8)[:, np.newaxis]
    high, low = ranks >> 8, ranks & 255
    return np.stack([high * 255 // high[-1], low, low], axis=1).astype(np.uint8)


def _ascending(palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The order of entries by their bytes.

    Raises
    ------
    KmcFormatError
        If entries repeat: labels of the same colour cannot be told apart.
    """
    order = np.lexsort(palette.T[::-1])
    ordered = palette[order]
    if (ordered[1:] == ordered[:-1]).all(axis=1).any():
        raise _fault("the palette has an entry twice")
    return order


def _told(values: list[int]) -> str:
    """The first value and the gaps between values; ``,1*9`` stands for nine gaps of 1."""
    gaps = (after - before for before, after in pairwise(values))
    runs = ((gap, len(list(run))) for gap, run in groupby(gaps))
    return f"{values[0]}" + "".join(
        f",{gap}" if count == 1 else f",{gap}*{count}" for gap, count in runs
    )


def _values(first: int, gaps: str, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """What `_told` told, which has to be so many values of this dtype.

    Raises
    ------
    KmcFormatError
    """
    values = [first]
    for gap, times in _runs(gaps):
        if not gap or not 1 <= times <= count - len(values):
            raise _fault(f"it does not tell as many values as the palette has entries, {count:,}")
        values += range(values[-1] + gap, values[-1] + gap * times + 1, gap)
    if len(values) != count:
        raise _fault(f"it tells {len(values):,} values, the palette has {count:,} entries")
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if values[0] < least or values[-1] > most:
        raise _fault(f"it tells values that {dtype} does not have")
    return np.array(values, dtype)


def _runs(gaps: str) -> Iterator[tuple[int, int]]:
    for token in gaps.split(",")[1:]:
        gap, _, times = token.partition("*")
        yield int(gap), int(times or 1)
