"""Checks of users' options, one by one."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Collection, Iterable, Mapping

from kmcodec.errors import KmcInputError

__all__ = ["checked_choice", "checked_integer", "checked_number", "refuse_unknown"]


def checked_integer(name: str, value: int, least: int, most: int | None = None) -> int:
    """Return a whole number of any integer type as int.

    Raises
    ------
    KmcInputError
        If it is none, or out of range.
    """
    span = f"at least {least}" if most is None else f"from {least} to {most:,}"
    try:
        number = operator.index(value)
    except TypeError:
        raise KmcInputError(f"{name} is {value!r}, must be an integer {span}") from None
    if number < least or (most is not None and number > most):
        raise KmcInputError(f"{name} is {number}, must be an integer {span}")
    return number


def checked_number(name: str, value: float, least: float, most: float) -> float:
    """Return a number of any type as float.

    Raises
    ------
    KmcInputError
        If it is none, or out of range.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not least <= number <= most:
        raise KmcInputError(f"{name} is {value!r}, must be a number from {least} to {most}")
    return number


def checked_choice(name: str, value: str, choices: Collection[str]) -> str:
    """Return the value if it is one of the choices.

    Raises
    ------
    KmcInputError
        If it is not.
    """
    if value not in choices:
        raise KmcInputError(f"{name} is {value!r}, must be one of {', '.join(choices)}")
    return value


def refuse_unknown(
    caller: str,
    given: Iterable[str],
    known: Collection[str],
    reasons: Mapping[str, str] | None = None,
) -> None:
    """Refuse options that a function does not accept.

    Parameters
    ----------
    caller : str
        The function, as the user calls it.
    given : iterable of str
    known : collection of str
    reasons : mapping, optional
        For options of other functions: why this one lacks them, or an alternative.

    Raises
    ------
    KmcInputError
        If one is unknown; the message gives the reason, or a similar option.
    """
    for name in sorted(given):
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, 1, 0.6)
        hint = (reasons or {}).get(name) or (f"did you mean {near[0]}?" if near else "")
        raise KmcInputError(f"{caller} has no option {name}{hint and ': '}{hint}")
