"""The keyword options that functions hand on to each other, and how they are checked."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Iterable, Mapping
from typing import TypedDict

from numpy.typing import ArrayLike

from kmcodec.errors import KmcInputError
from kmcodec.image import Metadata

__all__ = [
    "EncodeOptions",
    "QuantizeOptions",
    "SearchOptions",
    "checked_choice",
    "checked_integer",
    "checked_number",
    "refuse_options",
]


class SearchOptions(TypedDict, total=False):
    """Options of `kmcodec.shared_palette`, for type checkers."""

    init: str
    seed: int
    search: int
    iterations: int
    restarts: int
    space: str


class QuantizeOptions(SearchOptions, total=False):
    """Options of `kmcodec.quantize`, for type checkers."""

    dither: str
    dither_amount: float
    palette: ArrayLike | None
    reorder: bool


class EncodeOptions(QuantizeOptions, total=False):
    """Options of `kmcodec.encode`, for type checkers."""

    coding: str
    effort: str
    strip_rows: int | None
    metadata: Metadata | None
    rdo: float | None
    psnr: float | None
    max_bytes: int | None
    strict: bool


def refuse_options(
    function: str, options: Iterable[str], taken: Collection[str], reasons: Mapping[str, str]
) -> None:
    """Refuse, by name, options that only other functions have.

    Parameters
    ----------
    function : str
    options : iterable of str
        What the caller gave.
    taken : collection of str
        What the function takes.
    reasons : mapping
        Of some options, what to do instead.

    Raises
    ------
    KmcInputError
    """
    for name in sorted(options):
        if name not in taken:
            reason = reasons.get(name, "")
            raise KmcInputError(f"{function} has no option {name}{reason and ': '}{reason}")


def checked_integer(name: str, value: int, least: int, most: int | None = None) -> int:
    """A whole number of any integer type, as int.

    Raises
    ------
    KmcInputError
        If it is none, or out of its span.
    """
    span = f"at least {least}" if most is None else f"from {least} to {most:,}"
    try:
        number = operator.index(value)
    except TypeError:
        raise KmcInputError(f"{name} is a whole number {span}, not {value!r}") from None
    if number < least or (most is not None and number > most):
        raise KmcInputError(f"{name} is a whole number {span}, not {number}")
    return number


def checked_number(name: str, value: float, least: float, most: float) -> float:
    """A number of any type, as float.

    Raises
    ------
    KmcInputError
        If it is none, or out of its span.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        raise KmcInputError(f"{name} is a number from {least} to {most}, not {value!r}")
    return number


def checked_choice(name: str, value: str, choices: Collection[str]) -> str:
    """One of a few names.

    Raises
    ------
    KmcInputError
        If it is none of them.
    """
    if value not in choices:
        raise KmcInputError(f"{name} is one of {', '.join(choices)}, not {value!r}")
    return value
