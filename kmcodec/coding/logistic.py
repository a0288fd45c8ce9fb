"""The logistic function of both adaptive coders (spec/context.md, section 3).

All values are whole numbers, so they are the same on every platform.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

__all__ = ["DOMAIN", "squash", "wrapped_squash"]

DOMAIN = 2047
"""The logistic domain reaches from -DOMAIN to DOMAIN, in 1/256."""

# exp(-1 / 256), times 2 ** 62.
_STEP = 4593706758521714574


@functools.cache
def squash() -> NDArray[np.uint16]:
    """Return the probability in 1/65536 of each logistic value, shape (4095,), from -DOMAIN on."""
    one = power = 1 << 62
    upper = []
    for _ in range(DOMAIN + 1):
        upper.append(min(65535, (one << 16) // (one + power)))
        power = power * _STEP >> 62
    table = np.array([65536 - p for p in upper[:0:-1]] + upper, np.uint16)
    table.flags.writeable = False
    return table


@functools.cache
def wrapped_squash() -> NDArray[np.uint16]:
    """Return probabilities by logistic value modulo 8192, shape (8192,).

    Values beyond the domain count as its ends, so that kernels need not limit sums.
    """
    values = np.arange(8192)
    values[4096:] -= 8192
    table = squash()[np.clip(values, -DOMAIN, DOMAIN) + DOMAIN]
    table.flags.writeable = False
    return table
