"""Options that users give, checked one by one."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Collection, Iterable

from kmcodec.errors import KmcInputError

__all__ = ["checked_choice", "checked_integer", "checked_number", "refuse_unknown"]


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


def refuse_unknown(caller: str, given: Iterable[str], known: Collection[str]) -> None:
    """Refuse options that a function does not have.

    Parameters
    ----------
    caller : str
        The function, as the user calls it.
    given : iterable of str
    known : collection of str

    Raises
    ------
    KmcInputError
        If one is unknown; the message names the option that was probably meant.
    """
    for name in given:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, 1, 0.6)
        hint = f": did you mean {near[0]!r}?" if near else ""
        raise KmcInputError(f"{caller} has no option {name!r}{hint}")
