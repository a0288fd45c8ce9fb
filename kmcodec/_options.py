"""The keyword options that functions hand on to `quantize` and `encode`, for type checkers."""

from __future__ import annotations

from typing import TypedDict

from kmcodec.image import Metadata

__all__ = ["EncodeOptions", "QuantizeOptions"]


class QuantizeOptions(TypedDict, total=False):
    """Options of `kmcodec.quantize`."""

    init: str
    seed: int
    iterations: int
    restarts: int


class EncodeOptions(QuantizeOptions, total=False):
    """Options of `kmcodec.encode`."""

    coding: str
    strip_rows: int
    metadata: Metadata | None
