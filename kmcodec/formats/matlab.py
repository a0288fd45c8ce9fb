"""Read and write the image in MATLAB's .mat files.

scipy reads them, but unsafely: its loadmat uses the type of an array's samples as an unchecked
index (`read_numeric` in _mio5_utils.pyx, seen with scipy 1.17), so that one damaged byte ends
Python with a segmentation fault. This module first checks the tags up to the samples, then gives
scipy each variable as a file of its own, so that scipy reads only checked bytes.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError, KmcLimitError, KmcLossWarning, warn
from kmcodec.model.image import MAX_COLORS, IndexedImage
from kmcodec.model.label_classes import LabelClasses
from kmcodec.model.label_images import is_label_map
from kmcodec.model.pixels import as_pixels

__all__ = ["is_mat", "read_mat", "read_mat_labels", "write_mat"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_TEXT_5, _TEXT_7_3 = b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file"
_HEADER_5 = 128
_ORDERS_5 = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}  # by the header's last bytes

# Bytes of a sample, by the format's number of its type.
_SIZES_5 = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_SIZES_4 = (8, 4, 4, 2, 2, 1)
_MATRIX, _COMPRESSED = 14, 15
_NUMERIC, _OPAQUE, _COMPLEX = range(6, 16), 17, 0x0800
_SPARSE_4 = 2

_FLOATS = ("double", "single")
_SAMPLES = {*_FLOATS, "logical", *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64))}

_EXACT = 2**53  # up to this, doubles are exact for all whole numbers

_MOST_VARIABLES = 4096  # as scipy is slow to list each
_MOST_DEFLATED = 1032  # the most bytes that zlib can expand one to
_MOST_HEAD = 4096  # more bytes than flags, shape and name of an array need


@dataclass(frozen=True)
class _Variable:
    """An array of a file, its samples not yet read."""

    name: str
    shape: tuple[int, ...]
    kind: str
    is_complex: bool
    # Samples of a known type, in the number of the shape: scipy can read them safely.
    is_sound: bool
    header: bytes
    element: memoryview
    order: str

    @property
    def is_hidden(self) -> bool:
        # Variables of MATLAB itself have no name; scipy gives them one with underscores.
        return not self.name or self.name.startswith("__")

    @property
    def is_numeric(self) -> bool:
        if self.is_hidden or self.kind not in _SAMPLES or self.is_complex:
            return False
        return len(self.shape) >= 2 and 0 not in self.shape

    @property
    def is_image(self) -> bool:
        if not self.is_numeric:
            return False
        return len(self.shape) == 2 or (len(self.shape) == 3 and self.shape[2] in (3, 4))

    @property
    def is_map(self) -> bool:
        """Whether this is the colour map of an indexed image, by MATLAB's name for it."""
        named = self.is_image and self.name == "map" and self.shape[1:] == (3,)
        return named and self.shape[0] <= MAX_COLORS  # the most that a palette holds

    def __str__(self) -> str:
        kind = f"complex {self.kind}" if self.is_complex else self.kind
        return f"{self.name} ({' x '.join(map(str, self.shape))} {kind})"


def is_mat(data: bytes) -> bool:
    """Whether the bytes are a .mat file of any version, complete or not."""
    if data.startswith((_TEXT_5, _TEXT_7_3)) or _is_hdf5(data):
        return True
    return data[124:128] in _ORDERS_5 or _order_4(data) is not None


def read_mat(
    data: bytes, name: str, variable: str | None = None, *, max_pixels: int | None = None
) -> NDArray[Any] | IndexedImage:
    """Read the image of a .mat file of version 4 to 7.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        The file's name in messages.
    variable : str, optional
        The array to read; needed if several could be images.
    max_pixels : int, optional
        The most pixels, checked before memory is allocated: zlib packs zeros a thousandfold.

    Returns
    -------
    IndexedImage
        If a variable `map` holds the colours of the image's indices, as in MATLAB: indices start
        at 1 in doubles and singles, at 0 in integers.
    ndarray, shape (H, W), (H, W, 3) or (H, W, 4)
        Integers of the dtype that the variable has in MATLAB, logical as bool, doubles and
        singles as float64. As MATLAB's numbers are doubles by default, doubles and singles that
        are whole numbers in 0 ... 255, with one above 1, count as 8-bit samples and become uint8.
        Labels among other whole numbers (see `is_label_map`) become int64.

    Raises
    ------
    KmcInputError
        If the file is damaged or of version 7.3, holds no image, or holds several and none is
        chosen.
    KmcLimitError
        If the image has more than `max_pixels`, or the file more than 4,096 variables.
    """
    chosen, colors = _found_in(data, name, variable, max_pixels)
    with _no_other_errors(name):
        if colors is None:
            return _loaded(chosen)
        return _indexed(chosen, _loaded(chosen), _loaded(colors))


def read_mat_labels(
    data: bytes, name: str, variable: str | None = None, *, max_pixels: int | None = None
) -> tuple[NDArray[Any], LabelClasses | None]:
    """Read the labels of a .mat file of version 4 to 7.

    Parameters
    ----------
    data, name, variable, max_pixels
        See `read_mat`. Arrays of any number of axes count; each value is a pixel.

    Returns
    -------
    labels : ndarray
        Of the dtype that the variable has in MATLAB, logical as bool; doubles and singles become
        int64.
    classes : LabelClasses or None
        The colours of a variable `map`, as `read_mat` finds them.

    Raises
    ------
    KmcInputError, KmcLimitError
        See `read_mat`; also if doubles are no whole numbers.
    """
    chosen, colors = _found_in(data, name, variable, max_pixels, any_shape=True)
    with _no_other_errors(name):
        labels = _loaded(chosen, as_labels=True)
        if colors is None:
            return labels, None
        image = _indexed(chosen, labels, _loaded(colors))
    if not isinstance(image, IndexedImage):
        return labels, None
    base = 1 if chosen.kind in _FLOATS else 0
    return labels, LabelClasses(colors=dict(enumerate(map(tuple, image.palette.tolist()), base)))


def _found_in(
    data: bytes, name: str, variable: str | None, max_pixels: int | None, any_shape: bool = False
) -> tuple[_Variable, _Variable | None]:
    """Return the variable of the image, and that of its map, if there is one."""
    if data.startswith(_TEXT_7_3) or _is_hdf5(data):
        raise KmcInputError(
            f"{name}: cannot read MATLAB 7.3 files (HDF5): save it in MATLAB with "
            "save('file.mat', '-v7'), or read it in Python with h5py"
        )
    order = _order_4(data)
    with _no_other_errors(name):
        variables = _variables_5(data) if order is None else _variables_4(data, order)
        found = list(islice(variables, _MOST_VARIABLES + 1))
        if len(found) > _MOST_VARIABLES:
            raise KmcLimitError(f"{name}: more than {_MOST_VARIABLES:,} variables")
        colors = next((v for v in found if v.is_map), None)
        mapped = colors is not None and variable != colors.name
        others = [v for v in found if v is not colors] if mapped else found
        chosen = _chosen(others, name, variable, any_shape)
        pixels = math.prod(chosen.shape if any_shape else chosen.shape[:2])
        if max_pixels is not None and pixels > max_pixels:
            raise KmcLimitError(f"{name}: {pixels:,} pixels exceed the limit of {max_pixels:,}")
        return chosen, colors if mapped else None


@contextmanager
def _no_other_errors(name: str) -> Iterator[None]:
    """Turn errors of scipy into our own.

    Those on damaged files are undocumented: ValueError, TypeError, OSError, KeyError, zlib.error,
    OverflowError were seen.
    """
    try:
        yield
    except (KmcInputError, KmcLimitError, MemoryError):
        raise
    except Exception as error:
        raise KmcInputError(f"{name}: damaged or truncated .mat file") from error


def write_mat(array: NDArray[Any], variable: str = "A") -> bytes:
    """Make a .mat file (version 7, compressed) that holds one array.

    The same array gives the same bytes: the header has no date.
    """
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, {variable: array}, do_compression=True)
    written = stream.getvalue()
    # scipy writes the platform and the time into the header's 116 bytes of text.
    return (_TEXT_5 + b", written by kmcodec").ljust(116) + written[116:]


def _chosen(found: list[_Variable], name: str, variable: str | None, any_shape: bool) -> _Variable:
    images = [v for v in found if (v.is_numeric if any_shape else v.is_image)]
    if variable is not None:
        for one in images:
            if one.name == variable:
                return one
        fault = "is no image" if any(v.name == variable for v in found) else "is not in it"
        there = f"images in it: {_listed(images)}"
        raise KmcInputError(f"{name}: variable {variable!r} {fault}; {there}")
    # Beside a matrix, a scalar or a vector is hardly the intended image.
    images = [v for v in images if min(v.shape[:2]) > 1] or images
    if len(images) > 1:
        told = _listed(images)
        raise KmcInputError(f"{name}: several images, choose one with --var NAME: {told}")
    if not images:
        raise KmcInputError(f"{name}: no image, only {_listed(found)}")
    return images[0]


def _indexed(
    image: _Variable, samples: NDArray[Any], colors: NDArray[Any]
) -> NDArray[Any] | IndexedImage:
    """Return the palette image of indices and a map; the samples if they are not indices."""
    if samples.ndim != 2 or samples.dtype == bool:
        return samples
    in_range = colors.dtype != np.uint8 and colors.min() >= 0 and colors.max() <= 1
    base = 1 if image.kind in _FLOATS else 0
    whole = samples.dtype.kind in "iu" or np.array_equal(samples, np.floor(samples))
    fits = whole and samples.min() >= base and samples.max() < len(colors) + base
    if not (in_range and fits and len(colors) <= MAX_COLORS):
        text = f"dropped the map: {image.name} has no indices into it"
        warn(text, KmcLossWarning)
        return samples
    palette = as_pixels(colors.astype(np.float64)[np.newaxis])[0]
    return IndexedImage(palette, samples.astype(np.int64) - base)


def _listed(variables: list[_Variable]) -> str:
    return ", ".join(str(v) for v in variables if not v.is_hidden) or "nothing"


def _is_hdf5(data: bytes) -> bool:
    return data.startswith(_HDF5) or data[512:520] == _HDF5


def _order_4(data: bytes) -> str | None:
    """Return the byte order of a file of version 4; None for other files."""
    # Without a signature, five integers must make sense, and a name.
    for order, machine in (("<", 0), (">", 1)):
        if len(data) < 20:
            break
        type_, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", data)
        thousands, rest = divmod(type_, 1000)
        sane = thousands == machine and rest // 10 < len(_SIZES_4) and rest % 10 <= 2
        if sane and min(rows, columns) >= 0 and imaginary in (0, 1) and 2 <= length <= 64:
            text = data[20 : 20 + length].rstrip(b"\0").replace(b"_", b"")
            if text.isalnum() and text[:1].isalpha():
                return order
    return None


def _variables_4(data: bytes, order: str) -> Iterator[_Variable]:
    end = 0
    while end < len(data):
        begin = end
        type_, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", data, begin)
        stored, kind = divmod(type_ % 1000, 10)
        if type_ // 1000 not in (0, 1) or stored >= len(_SIZES_4) or imaginary not in (0, 1):
            raise ValueError("unknown type")
        parts = 2 if imaginary and kind != _SPARSE_4 else 1
        end = begin + 20 + length + parts * rows * columns * _SIZES_4[stored]
        if min(rows, columns, length) < 0 or end > len(data):
            raise ValueError("more samples than bytes")
        element = memoryview(data)[begin:end]
        name, shape, class_ = _told(bytes(element), order)
        yield _Variable(name, shape, class_, bool(imaginary), True, b"", element, order)


def _variables_5(data: bytes) -> Iterator[_Variable]:
    header, end = data[:_HEADER_5], _HEADER_5
    # scipy reads a file with a zero in its first four bytes as version 4.
    if 0 in header[:4] or header[124:] not in _ORDERS_5:
        raise ValueError("header of no known version")
    order = _ORDERS_5[header[124:]]
    while end < len(data):
        begin = end
        type_, size = struct.unpack_from(f"{order}2I", data, begin)
        end = begin + 8 + size
        if end > len(data):
            raise ValueError("truncated")
        yield _variable_5(header, memoryview(data)[begin:end], type_ == _COMPRESSED, order)


def _variable_5(header: bytes, element: memoryview, compressed: bool, order: str) -> _Variable:
    # Only the head of the element is inflated and checked.
    head, room = bytes(element[:_MOST_HEAD]), len(element)
    if compressed:
        head = zlib.decompressobj().decompress(head[8:], _MOST_HEAD)
        room *= _MOST_DEFLATED
    matrix, size, _, _, flags = struct.unpack_from(f"{order}5I", head)
    if matrix != _MATRIX:
        raise ValueError("no array")
    head, room = head[: 8 + size], min(room, 8 + size)
    at = 24
    class_number, is_complex = flags & 0xFF, bool(flags & _COMPLEX)
    if class_number == _OPAQUE:
        # MATLAB's strings and tables, without a shape: whosmat raises TypeError at them.
        _, size, begin, _ = _tag(head, at, order)
        name = head[begin : begin + size].decode("latin-1")
        return _Variable(name, (), "opaque", False, False, header, element, order)
    for _ in ("shape", "name"):
        *_, at = _tag(head, at, order)
        if at > len(head):
            # scipy would allocate any declared size, up to 4 GiB.
            raise ValueError("shape or name beyond the element")
    name, shape, class_ = _told(header + head, order)
    if class_ == "logical" and class_number not in _NUMERIC:
        # whosmat also says so for sparse logical arrays, real or made by a damaged bit.
        class_ = "sparse logical"
    is_sound = False
    if class_ in _SAMPLES and shape and min(shape) > 0:
        type_, size, begin, _ = _tag(head, at, order)
        is_known = type_ in _SIZES_5 and begin + size <= room
        is_sound = is_known and size == math.prod(shape) * _SIZES_5[type_]
    return _Variable(name, shape, class_, is_complex, is_sound, header, element, order)


def _tag(data: bytes, at: int, order: str) -> tuple[int, int, int, int]:
    """Return type, size and content start of the element at `at`, and the start of the next."""
    type_, size = struct.unpack_from(f"{order}2I", data, at)
    if type_ >> 16:
        # The small form: type, size and up to four bytes of content in eight.
        return type_ & 0xFFFF, type_ >> 16, at + 4, at + 8
    return type_, size, at + 8, at + 8 + (size + 7) // 8 * 8


def _told(file: bytes, order: str) -> Any:
    """Ask scipy for name, shape and class of the one variable of a file."""
    from scipy.io import whosmat

    return whosmat(io.BytesIO(file), byte_order=order, chars_as_strings=False)[0]


def _loaded(chosen: _Variable, as_labels: bool = False) -> NDArray[Any]:
    from scipy.io import loadmat

    if not chosen.is_sound:
        raise ValueError("samples of an unknown type, or their number does not match the shape")
    file, name = io.BytesIO(b"".join((chosen.header, chosen.element))), chosen.name
    # MATLAB stores numbers in the narrowest type that holds them; mat_dtype restores their type.
    # Otherwise a mask of doubles 0 and 1 would look like 8-bit samples, almost black.
    with np.errstate(all="ignore"):
        read = loadmat(file, variable_names=[name], byte_order=chosen.order, mat_dtype=True)
    array = read[name]
    dtype = array.dtype.newbyteorder("=")
    if chosen.kind in _FLOATS:
        dtype = np.dtype(np.int64 if as_labels else _type_of_doubles(array))
        if as_labels and not _is_whole(array):
            raise KmcInputError(f"{chosen} holds no labels: its values are no whole numbers")
    return np.asarray(array, dtype, order="C")


def _is_whole(array: NDArray[Any]) -> bool:
    """Whether all doubles or singles are whole numbers of 64 bits."""
    if not np.array_equal(array, np.floor(array)):
        return False
    return bool(array.min() >= -(2.0**63) and array.max() < 2.0**63)


def _type_of_doubles(array: NDArray[Any]) -> type:
    """Return the type of the numbers that doubles or singles stand for."""
    low, high = array.min(), array.max()
    whole = bool(np.array_equal(array, np.floor(array)) and low >= -_EXACT and high <= _EXACT)
    if not whole or (low >= 0 and high <= 1):
        return np.float64
    if low >= 0 and high <= 255:
        return np.uint8
    return np.int64 if is_label_map(array.astype(np.int64)) else np.float64
