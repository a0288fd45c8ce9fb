"""Which profile of the context coder an image can afford."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

__all__ = ["affordable_effort"]

# Nanoseconds that a decoder takes on one core of a machine of 2024, roughly: for each pixel, and
# for each bit of the index of a pixel that is not as its neighbours.
_PIXEL = {"max": 20, "default": 15}
_BIT = {"max": 1000, "default": 150}
_BUDGET = 500_000_000


def affordable_effort(indices: NDArray[Any], entries: int) -> str:
    """The strongest profile that decodes in about half a second on one core.

    Parameters
    ----------
    indices : ndarray, shape (height, width), integer
    entries : int
        Of the palette.

    Returns
    -------
    str
        ``'max'``, ``'default'`` or ``'fast'``: by the image alone, not by the machine.
    """
    bits = max(1, (entries - 1).bit_length())
    inside = indices[1:, 1:]
    same = (inside == indices[1:, :-1]) & (inside == indices[:-1, 1:])
    busy = indices.size - int(same.sum())
    for effort in ("max", "default"):
        if indices.size * _PIXEL[effort] + busy * bits * _BIT[effort] <= _BUDGET:
            return effort
    return "fast"
