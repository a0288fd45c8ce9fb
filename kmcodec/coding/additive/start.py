"""What a strip of the additive coder begins with (spec/additive.md, sections 4, 5 and 11)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.additive.profiles import Profile
from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.logistic import wrapped_squash

__all__ = ["Start"]

# A weight in the lower 16 bits, and a rate in the upper ones.
_SLOT = 20000 << 16
_RUN = _SLOT | 22713


@dataclass(frozen=True)
class Start:
    """The initial state and the fixed functions of a strip.

    Parameters
    ----------
    profile : Profile
    tree : ColorTree
        With at least one level.
    pixels : int
        Number of pixels of the whole strip.
    """

    profile: Profile
    tree: ColorTree
    pixels: int

    slot = _SLOT
    run = _RUN

    @property
    def bits(self) -> int:
        """Levels of the tree."""
        return self.tree.bits

    @property
    def has_two_heads(self) -> bool:
        """See `Profile`."""
        return self.profile.has_two_heads

    @property
    def head_bits(self) -> int:
        """Binary logarithm of the number of heads in a table."""
        return self.profile.head_bits(self.pixels)

    @property
    def squash(self) -> NDArray[np.uint16]:
        """See `wrapped_squash`."""
        return wrapped_squash()

    @property
    def targets(self) -> NDArray[np.uint16]:
        """What each value moves the bounds of a distribution to, shape (16, 16)."""
        return _targets()

    @property
    def leaves(self) -> NDArray[np.uint8]:
        """See `ColorTree.leaves`."""
        return self.tree.leaves

    def distributions(self, first: int, others: int) -> NDArray[np.uint16]:
        """Return distributions in their initial state.

        Parameters
        ----------
        first : int
            How many code the first value of a symbol.
        others : int
            How many code one of the others.

        Returns
        -------
        ndarray, shape (first + others * further values, 16), uint16
            The first element of each is a count, 0.
        """
        further = (self.bits - 1) // 4
        return np.concatenate(
            [
                np.tile(_uniform(1 << (self.bits - 4 * further)), (first, 1)),
                np.tile(_uniform(16), (others * further, 1)),
            ]
        )


@functools.cache
def _targets() -> NDArray[np.uint16]:
    bounds = np.arange(16)
    is_below = bounds <= bounds[:, np.newaxis]
    return np.where(is_below, 4 * bounds, 32768 - 4 * (16 - bounds)).astype(np.uint16)


def _uniform(values: int) -> NDArray[np.uint16]:
    bounds = np.arange(16)
    even = bounds * (32768 - 4 * (16 - values)) // values
    return np.where(bounds < values, even, 32768 - 4 * (16 - bounds)).astype(np.uint16)
