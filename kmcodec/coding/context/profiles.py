"""The two profiles: how much of the one algorithm each uses (spec/context.md, section 2)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PROFILES", "Profile"]


@dataclass(frozen=True)
class Profile:
    """How much of the model a profile uses: the first so many of each list in the specification.

    Parameters
    ----------
    name : str
    flag_contexts, tree_contexts : int
        Contexts of the decisions about candidates, and of those in the colour tree.
    flag_patterns, tree_patterns : int
        Patterns of where a candidate, or a side of a node, is among the neighbours.
    geometries : int
        Colours that are expected: 1 the median predictor, 2 also an average, 3 also one that
        is learned.
    pairs : int
        Pairs of colours that are looked at together in the tree.
    sets : int
        Sets of mixing weights.
    histories : bool
        Whether slots count zeros and ones.
    flags : int
        Candidates asked for before the tree, 1 or 2.
    trust : int
        The least probability of the first candidate, in 1/65536, at which it is asked for.
    least_run : int
        The shortest run that is coded at one stroke.
    rate, rate_first, rate_time : int
        Rate of the mixers: rate + rate_first * rate_time / (rate_time + decisions).
    table_bits : int
        The largest table of contexts has 2 ** table_bits entries.
    """

    name: str
    flag_contexts: int
    tree_contexts: int
    flag_patterns: int
    tree_patterns: int
    geometries: int
    pairs: int
    sets: int
    histories: bool
    flags: int
    trust: int
    least_run: int
    rate: int
    rate_first: int
    rate_time: int
    table_bits: int

    def head_bits(self, pixels: int) -> int:
        """The binary logarithm of the number of entries in a table of contexts."""
        return min(self.table_bits, max(8, (pixels - 1).bit_length()))


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("default", 5, 4, 3, 3, 1, 0, 3, False, 2, 0, 32, 14, 48, 8192, 18),
        Profile("max", 8, 27, 5, 7, 3, 2, 8, True, 1, 62259, 64, 6, 24, 4096, 18),
    )
}
"""All profiles by name, from the fastest to the smallest files."""
