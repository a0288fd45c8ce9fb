"""What the codecs for numcodecs and Zarr have in common: options, chunks to bytes and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.arrays.label_stream import decode_stream, encode_stream, is_stream
from kmcodec.arrays.labels import decode_labels, encode_labels
from kmcodec.errors import KmcInputError
from kmcodec.model.limits import DEFAULT_MAX_PIXELS

__all__ = ["check_stored_dtype", "checked_options", "decode_chunk", "encode_chunk"]


_OPTIONS = ("coding", "effort")


def checked_options(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a configuration to keyword arguments of a codec.

    Raises
    ------
    KmcInputError
        If an option is unknown.
    """
    unknown = [str(name) for name in configuration if name not in _OPTIONS]
    if unknown:
        raise KmcInputError(
            f"the codec has no option {', '.join(unknown)}, only {' and '.join(_OPTIONS)}"
        )
    return dict(configuration)


def check_stored_dtype(dtype: np.dtype[Any]) -> None:
    """Refuse an array that the codecs cannot store.

    Raises
    ------
    KmcInputError
        If it is not of integers or bool.
    """
    if dtype.kind not in "iub":
        raise KmcInputError(
            f"the codec kmcodec stores integers or bool, not {dtype}: "
            "create the array with an integer dtype, or with another codec"
        )


def encode_chunk(labels: NDArray[Any], coding: str, effort: str) -> bytes:
    """Encode a chunk as a label stream, or as a `.kmc` file if a stream cannot hold it.

    Parameters
    ----------
    labels : ndarray of bool or integer
    coding, effort : str
        See `encode_stream`.

    Raises
    ------
    KmcInputError
        If the labels are of another type.
    """
    return encode_stream(labels, coding, effort) or encode_labels(
        labels, coding=coding, effort=effort
    )


def decode_chunk(data: bytes, max_labels: int | None = DEFAULT_MAX_PIXELS) -> NDArray[Any]:
    """Undo `encode_chunk`.

    Parameters
    ----------
    data : bytes
    max_labels : int or None
        The most labels.

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `kmcodec.decode_labels`.
    """
    if is_stream(data):
        return decode_stream(data, max_labels)
    return decode_labels(data, max_pixels=max_labels)
