"""The options of quantisation as values, checked once and passed on whole."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.checks import (
    checked_choice,
    checked_integer,
    checked_number,
    refuse_unknown,
)
from kmcodec.model.image import MAX_COLORS, checked_palette
from kmcodec.quantization.colorspace import SPACES
from kmcodec.quantization.dither import DEFAULT_AMOUNT, DITHERS
from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.kept import Kept, checked_kept
from kmcodec.quantization.levels import DEFAULT_LEVEL, LEVELS, Level

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "DEFAULT_COLORS",
    "NO_DITHER",
    "Placing",
    "QuantizeOptions",
    "QuantizeRequest",
    "Search",
    "SearchOptions",
]

DEFAULT_COLORS = 256
NO_DITHER = "none"


class SearchOptions(TypedDict, total=False):
    """The keyword options of a `Search`, for type checkers."""

    init: str
    seed: int
    search: int
    iterations: int
    restarts: int
    space: str
    keep: ArrayLike


class QuantizeOptions(SearchOptions, total=False):
    """The keyword options of a `QuantizeRequest`, for type checkers."""

    dither: str
    dither_amount: float
    palette: ArrayLike | None
    reorder: bool


@dataclass(frozen=True, kw_only=True)
class Search:
    """How to search for a palette; the options of `kmcodec.quantize` of the same names.

    Raises
    ------
    KmcInputError
        If one is wrong.
    """

    init: str = "pca"
    seed: int = 0
    search: int = DEFAULT_LEVEL
    iterations: int = 100
    restarts: int = 1
    space: str = "srgb"
    keep: Kept = ()

    def __post_init__(self) -> None:
        checked_choice("init", self.init, INITS)
        checked_choice("space", self.space, SPACES)
        for name, least, most in (
            ("seed", 0, None),
            ("search", 0, len(LEVELS) - 1),
            ("iterations", 1, None),
            ("restarts", 1, None),
        ):
            number = checked_integer(name, getattr(self, name), least, most)
            object.__setattr__(self, name, number)
        object.__setattr__(self, "keep", checked_kept(self.keep))

    @property
    def level(self) -> Level:
        """The settings of the level of search."""
        return LEVELS[self.search]


@dataclass(frozen=True, kw_only=True)
class Placing:
    """How to choose an entry for each pixel; the options of `kmcodec.quantize` of the same names.

    Raises
    ------
    KmcInputError
        If one is wrong.
    """

    space: str = Search.space
    dither: str = NO_DITHER
    dither_amount: float = DEFAULT_AMOUNT

    def __post_init__(self) -> None:
        checked_choice("space", self.space, SPACES)
        checked_choice("dither", self.dither, (NO_DITHER, *DITHERS))
        amount = checked_number("dither_amount", self.dither_amount, 0, 1)
        object.__setattr__(self, "dither_amount", amount)

    @property
    def dithers(self) -> bool:
        """Whether pixels may get entries other than the nearest."""
        return self.dither != NO_DITHER


_SEARCH = frozenset(each.name for each in fields(Search))
_PLACING = frozenset(each.name for each in fields(Placing))
_OWN = frozenset({"palette", "reorder"})


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantizeRequest:
    """All options of quantisation.

    Parameters
    ----------
    k : int, optional
        The most entries.
    palette : ndarray, shape (K, C), uint8, optional
        A given palette, instead of a search for one.
    reorder : bool
        Whether to reorder the palette of a palette image.
    search : Search
    placing : Placing

    Raises
    ------
    KmcInputError
        If one is wrong, or two exclude each other.
    """

    k: int | None = None
    palette: NDArray[np.uint8] | None = None
    reorder: bool = False
    search: Search = field(default_factory=Search)
    placing: Placing = field(default_factory=Placing)

    def __post_init__(self) -> None:
        if self.palette is not None and self.k is not None:
            raise KmcInputError(
                "k and palette exclude each other: the palette sets the number of entries"
            )
        if self.palette is not None and self.reorder:
            raise KmcInputError(
                "reorder and palette exclude each other: a given palette keeps its order"
            )
        if self.palette is not None and self.search.keep:
            raise KmcInputError(
                "keep and palette exclude each other: a given palette has its own colours"
            )
        if self.palette is not None:
            object.__setattr__(self, "palette", checked_palette(self.palette))
        if self.k is not None:
            object.__setattr__(self, "k", checked_integer("k", self.k, 1, MAX_COLORS))
        if len(self.search.keep) > self.colors:
            raise KmcInputError(
                f"keep has {len(self.search.keep):,} colours, more than k = {self.colors:,}"
            )

    @classmethod
    def of(
        cls, caller: str, k: int | None = None, **options: Unpack[QuantizeOptions]
    ) -> QuantizeRequest:
        """Make a request from keyword options.

        Parameters
        ----------
        caller : str
            The function that the user called, named in messages.
        k, **options
            See `kmcodec.quantize`.

        Raises
        ------
        KmcInputError
            If an option is unknown or wrong, or two exclude each other.
        """
        given: dict[str, Any] = {**options}
        refuse_unknown(caller, given, _SEARCH | _PLACING | _OWN)
        return cls(
            k=k,
            search=Search(**{name: given[name] for name in given if name in _SEARCH}),
            placing=Placing(**{name: given[name] for name in given if name in _PLACING}),
            **{name: given[name] for name in given if name in _OWN},
        )

    @property
    def colors(self) -> int:
        """The most entries that a search may find."""
        return DEFAULT_COLORS if self.k is None else self.k

    def with_k(self, k: int | None) -> QuantizeRequest:
        """Return a copy with another number of entries."""
        return replace(self, k=k)

    def with_most(self, k: int) -> QuantizeRequest:
        """Return a copy with another number of entries, but enough for the kept colours."""
        return replace(self, k=max(k, len(self.search.keep)))

    def with_palette(self, palette: NDArray[np.uint8]) -> QuantizeRequest:
        """Return a copy with a given palette, which replaces k, `keep` and `reorder`."""
        search = replace(self.search, keep=())
        return replace(self, k=None, palette=palette, reorder=False, search=search)

    def without_dither(self) -> QuantizeRequest:
        """Return a copy that takes the nearest entry for each pixel."""
        return replace(self, placing=replace(self.placing, dither=NO_DITHER))
