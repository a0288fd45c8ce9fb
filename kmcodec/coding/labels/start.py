"""What a strip of the label coder begins with (spec/labels.md, sections 2 and 8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.logistic import wrapped_squash
from kmcodec.coding.packed import bits_for

__all__ = ["MOST_SLICE_ROWS", "Start"]

MOST_SLICE_ROWS = 4096
"""The most rows of a slice; they bound the memory of a strip beyond its own size."""

# A weight in the lower 16 bits, and a rate in the upper ones.
_SLOT = 20000 << 16


@dataclass(frozen=True)
class Start:
    """The initial state of a strip.

    Parameters
    ----------
    entries : int
        Number of palette entries, at least 2.
    slice_rows : int
        Rows of a slice; 0 if the strip is no stack of slices.
    """

    entries: int
    slice_rows: int

    slot = _SLOT
    run = _SLOT | 15000
    first_flag = _SLOT | 4000

    @property
    def bits(self) -> int:
        """Bits of a symbol."""
        return bits_for(self.entries)

    @property
    def held_rows(self) -> int:
        """Rows from the one to code up to the uppermost that it may depend on."""
        return max(4, self.slice_rows + 2)

    @property
    def squash(self) -> NDArray[np.uint16]:
        """See `wrapped_squash`."""
        return wrapped_squash()
