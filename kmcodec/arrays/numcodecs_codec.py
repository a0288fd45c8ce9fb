"""The codec for numcodecs, and with it for Zarr 2, HDF5 filters and others (extra: zarr).

numcodecs finds it by its entry point: `numcodecs.get_codec({"id": "kmcodec"})`.
"""

from __future__ import annotations

from typing import Any

from numcodecs.abc import Codec
from numcodecs.compat import ensure_bytes, ensure_contiguous_ndarray_like, ensure_ndarray

from kmcodec.arrays.codec_options import (
    check_stored_dtype,
    checked_options,
    decode_chunk,
    encode_chunk,
)
from kmcodec.coding import AUTO
from kmcodec.errors import KmcInputError
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.writing.assembly import Assembly

__all__ = ["KmcCodec"]


class KmcCodec(Codec):  # type: ignore[misc, unused-ignore]
    """Labels in a buffer as a label stream; see `kmcodec.encode_labels`.

    Parameters
    ----------
    coding : str, optional
        See `kmcodec.encode`.
    effort : str, optional
        See `kmcodec.encode`, but ``"auto"`` takes what is quick to decode: whoever reads a window
        waits for each chunk that it touches. It matters for encoding alone: chunks of any effort
        are decoded, whatever the metadata say.

    Raises
    ------
    KmcInputError
        If `coding` or `effort` is unknown.

    Notes
    -----
    Contiguous arrays come back with the same bytes in memory, in any order of axes.
    """

    codec_id = "kmcodec"

    def __init__(self, coding: str = Assembly.coding, effort: str = AUTO) -> None:
        Assembly(coding, effort, None)  # raises for wrong values
        self.coding = coding
        self.effort = effort

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KmcCodec:
        """Return the codec of a configuration.

        Raises
        ------
        KmcInputError
            If an option is unknown.
        """
        return cls(**checked_options(config))

    def encode(self, buf: Any) -> bytes:
        """Encode a chunk.

        Parameters
        ----------
        buf : array or buffer, bool or integer

        Raises
        ------
        KmcInputError
            If the values are not labels, or too many to be decoded.
        """
        array = ensure_ndarray(buf)
        check_stored_dtype(array.dtype)
        if array.size > DEFAULT_MAX_PIXELS:
            raise KmcInputError(
                f"the chunk has {array.size:,} labels, must be at most {DEFAULT_MAX_PIXELS:,}"
            )
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            array = array.T
        return encode_chunk(array, self.coding, self.effort)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Decode a chunk.

        Parameters
        ----------
        buf : buffer
        out : writable buffer, optional
            Must have as many bytes as the chunk.

        Returns
        -------
        ndarray or buffer
            The labels, or `out`.

        Raises
        ------
        KmcFormatError, KmcLimitError
            See `kmcodec.decode_labels`.
        KmcInputError
            If `out` has another size.
        """
        labels = decode_chunk(ensure_bytes(buf))
        if out is None:
            return labels
        target = ensure_contiguous_ndarray_like(out).reshape(-1).view("u1")
        if target.nbytes != labels.nbytes:
            raise KmcInputError(
                f"the chunk has {labels.nbytes:,} bytes, but the buffer {target.nbytes:,}"
            )
        target[:] = labels.reshape(-1).view("u1")
        return out
