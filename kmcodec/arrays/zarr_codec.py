"""The codec for Zarr 3: array to bytes (extra: zarr).

zarr finds it by its entry point: `zarr.create_array(..., serializer={"name": "kmcodec"})`.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.codec import ArrayBytesCodec

from kmcodec.arrays.codec_options import (
    check_stored_dtype,
    checked_options,
    decode_chunk,
    encode_chunk,
)
from kmcodec.coding import AUTO
from kmcodec.errors import KmcFormatError
from kmcodec.writing.assembly import Assembly

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer

__all__ = ["KmcCodec"]

_NAME = "kmcodec"


@dataclass(frozen=True)
class KmcCodec(ArrayBytesCodec):  # type: ignore[misc, unused-ignore]
    """Chunks of labels as label streams; see `kmcodec.encode_labels`.

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
    """

    coding: str = Assembly.coding
    effort: str = AUTO

    is_fixed_size = False

    def __post_init__(self) -> None:
        Assembly(self.coding, self.effort, None)  # raises for wrong values

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> KmcCodec:
        """Return the codec that an array's metadata describe.

        Raises
        ------
        KmcInputError
            If an option is unknown.
        """
        return cls(**checked_options(data.get("configuration") or {}))

    def to_dict(self) -> dict[str, Any]:
        """Return the codec's entry in an array's metadata."""
        configuration = {"coding": self.coding, "effort": self.effort}
        return {"name": _NAME, "configuration": configuration}

    def validate(self, *, shape: Any, dtype: Any, chunk_grid: Any) -> None:
        """Refuse an array of anything but labels before it is created.

        Raises
        ------
        KmcInputError
        """
        check_stored_dtype(dtype.to_native_dtype())

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> KmcCodec:
        """Refuse chunks of anything but labels in shards, for which `validate` is not called.

        Raises
        ------
        KmcInputError
        """
        check_stored_dtype(array_spec.dtype.to_native_dtype())
        return self

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Raise, as the size is not known beforehand."""
        raise NotImplementedError

    async def _encode_single(self, chunk_data: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        data = await asyncio.to_thread(
            encode_chunk, chunk_data.as_numpy_array(), self.coding, self.effort
        )
        return chunk_spec.prototype.buffer.from_bytes(data)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        size = max(1, math.prod(chunk_spec.shape))
        labels = await asyncio.to_thread(decode_chunk, chunk_data.to_bytes(), size)
        dtype = chunk_spec.dtype.to_native_dtype()
        same_but_for_byte_order = np.can_cast(labels.dtype, dtype, "equiv")
        if labels.shape != chunk_spec.shape or not same_but_for_byte_order:
            raise KmcFormatError(
                f"the chunk holds {labels.dtype} of shape {labels.shape}, "
                f"not {dtype} of shape {chunk_spec.shape}"
            )
        return chunk_spec.prototype.nd_buffer.from_numpy_array(labels.astype(dtype, copy=False))
