"""The two profiles of the additive coder (spec/additive.md)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PROFILES", "Profile"]


@dataclass(frozen=True)
class Profile:
    """What a profile of the additive coder uses.

    Parameters
    ----------
    number : int
        The coding byte in the header.
    name : str
    has_two_heads : bool
        Whether a second head helps to find candidates, and symbols that are no candidates are
        coded as paths through the tree, bit by bit, instead of in values of four bits.
    flag_bits : int
        Binary logarithm of the number of slots in a table of the flags.
    """

    number: int
    name: str
    has_two_heads: bool
    flag_bits: int

    @staticmethod
    def head_bits(pixels: int) -> int:
        """Return the binary logarithm of the number of heads in a table."""
        return min(18, max(8, (pixels - 1).bit_length() - 4))


PROFILES = {
    profile.name: profile
    for profile in (Profile(5, "fastest", False, 13), Profile(2, "fast", True, 14))
}
"""All profiles by name, the faster one first."""
