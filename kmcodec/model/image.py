"""IndexedImage: palette, index map and metadata, the value that all parts exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.frozen import FrozenDict, frozen, owned
from kmcodec.model.label_array import LabelArray
from kmcodec.model.label_classes import LabelClasses, TiffTag
from kmcodec.model.limits import MAX_COLORS

__all__ = [
    "MAX_COLORS",
    "MAX_SIDE",
    "IndexedImage",
    "Metadata",
    "array_of",
    "check_indices",
    "checked_palette",
    "index_dtype",
]

MAX_SIDE = 2**31 - 1
"""The largest width or height, in pixels."""


def index_dtype(entries: int) -> type[np.uint8] | type[np.uint16]:
    """Return the dtype of an index map: uint8 for up to 256 palette entries, uint16 above."""
    return np.uint8 if entries <= 256 else np.uint16


@dataclass(frozen=True)
class Metadata:
    r"""Metadata of an image, kept unchanged and never interpreted.

    Parameters
    ----------
    icc : bytes, optional
        An ICC colour profile.
    exif : bytes, optional
        EXIF as a TIFF structure, without the ``Exif\0\0`` prefix that JPEG adds.
    xmp : bytes, optional
        An XMP packet.
    text : mapping of str to str
        Texts by keyword, copied into a read-only dict.
    labels : LabelArray, optional
        The labels that the pixels stand for; `encode_labels` sets it.
    classes : LabelClasses, optional
        Names and colours of labels.
    tiff : tuple of TiffTag
        Tags of the TIFF file that labels come from, such as its place on the ground.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    labels: LabelArray | None = None
    classes: LabelClasses | None = None
    tiff: tuple[TiffTag, ...] = ()

    def __post_init__(self) -> None:
        for name in ("icc", "exif", "xmp"):
            value = getattr(self, name)
            if isinstance(value, (bytearray, memoryview)):
                object.__setattr__(self, name, bytes(value))
        object.__setattr__(self, "text", FrozenDict(self.text))

    def __bool__(self) -> bool:
        kept = self.icc or self.exif or self.xmp or self.text
        return bool(kept or self.labels or self.classes or self.tiff)


@dataclass(frozen=True, init=False, eq=False, repr=False)
class IndexedImage:
    """A palette image.

    Parameters
    ----------
    palette : array_like, shape (K, C), uint8
        1 <= K <= 65,536 colours of C channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, with
        straight alpha. Shape (K,) means (K, 1).
    indices : array_like, shape (H, W), integer
        The number of each pixel's palette entry, in 0 ... K - 1. Stored as uint8 for K <= 256 and
        as uint16 above.
    metadata : Metadata, optional

    Raises
    ------
    KmcInputError
        If a shape or dtype is wrong, or an index is outside the palette.

    Notes
    -----
    The palette is kept exactly: entries may repeat or be unused. NumPy converts an image to its
    pixels: ``np.asarray(image)`` is ``image.to_array()``.

    An image is immutable: its arrays are read-only, and copies unless the given arrays and their
    memory were read-only too.
    """

    palette: NDArray[np.uint8]
    indices: NDArray[Any]
    metadata: Metadata

    def __init__(
        self, palette: ArrayLike, indices: ArrayLike, metadata: Metadata | None = None
    ) -> None:
        checked = checked_palette(palette)
        map_ = _checked_indices(array_of("indices", indices), len(checked))
        object.__setattr__(self, "palette", checked)
        object.__setattr__(self, "indices", map_)
        object.__setattr__(self, "metadata", metadata or Metadata())

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.indices.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.indices.shape[0])

    @property
    def channels(self) -> int:
        """Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""
        return int(self.palette.shape[1])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the pixels: (H, W) for grey, else (H, W, C)."""
        size = (self.height, self.width)
        return size if self.channels == 1 else (*size, self.channels)

    def to_array(self) -> NDArray[np.uint8]:
        """Return the pixels: uint8, shape (H, W) for grey, else (H, W, C)."""
        pixels: NDArray[np.uint8] = self.palette[self.indices].reshape(self.shape)
        return pixels

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("an IndexedImage computes its pixels: copy=False is impossible")
        return np.asarray(self.to_array(), dtype=dtype)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IndexedImage):
            return NotImplemented
        return (
            np.array_equal(self.palette, other.palette)
            and np.array_equal(self.indices, other.indices)
            and self.metadata == other.metadata
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        # pickle and deepcopy make arrays writable.
        return _unpickled, (self.palette, self.indices, self.metadata)

    def __repr__(self) -> str:
        return (
            f"<IndexedImage {self.width} x {self.height}, "
            f"{len(self.palette)} entries, {self.channels} channels>"
        )


def _unpickled(
    palette: NDArray[np.uint8], indices: NDArray[Any], metadata: Metadata
) -> IndexedImage:
    return IndexedImage(owned(palette), owned(indices), metadata)


def array_of(what: str, values: ArrayLike) -> NDArray[Any]:
    """Return values as an array.

    Parameters
    ----------
    what : str
        Name of the values in the message, such as ``"pixels"``.
    values : array_like

    Raises
    ------
    KmcInputError
        If they cannot be an array, such as lists of different lengths.
    """
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        # Catches objects whose __array__ refuses, too.
        raise KmcInputError(f"not an array of {what}: {error}") from error


def checked_palette(palette: ArrayLike) -> NDArray[np.uint8]:
    """Return a palette as a read-only array of shape (K, C); see `IndexedImage`.

    Raises
    ------
    KmcInputError
        If it is not a palette.
    """
    palette = array_of("palette entries", palette)
    if palette.ndim == 1:
        palette = palette[:, np.newaxis]
    if palette.ndim != 2 or not 1 <= palette.shape[1] <= 4:
        raise KmcInputError(f"a palette must have shape (K, 1 to 4), not {palette.shape}")
    if not 1 <= len(palette) <= MAX_COLORS:
        raise KmcInputError(
            f"a palette must have 1 to {MAX_COLORS:,} entries, not {len(palette):,}"
        )
    whole = palette.dtype.kind in "ui"
    if palette.dtype != np.uint8 and not (whole and palette.min() >= 0 and palette.max() <= 255):
        raise KmcInputError("palette entries must be integers from 0 to 255")
    return frozen(palette, np.uint8)


def _checked_indices(indices: NDArray[Any], entries: int) -> NDArray[Any]:
    if indices.ndim != 2 or not indices.size:
        raise KmcInputError(f"an index map must have shape (height, width), not {indices.shape}")
    if max(indices.shape) > MAX_SIDE:
        raise KmcInputError(f"an image must have at most {MAX_SIDE:,} rows and columns")
    check_indices(indices, entries)
    return frozen(indices, index_dtype(entries))


def check_indices(indices: NDArray[Any], entries: int) -> None:
    """Check the values of a non-empty index map of any shape.

    Raises
    ------
    KmcInputError
        If a value is not the number of one of `entries` palette entries.
    """
    if indices.dtype.kind not in "ui":
        raise KmcInputError(f"indices must be integers, not {indices.dtype}")
    if indices.min() < 0 or indices.max() >= entries:
        raise KmcInputError(
            f"indices run from {indices.min()} to {indices.max()}, "
            f"but the palette has entries 0 to {entries - 1}"
        )
