"""Logarithms and powers that are the same on every platform.

Those of C libraries differ in the last bit, and what is searched for with them would, too.
"""

from __future__ import annotations

import decimal

__all__ = ["decibels", "exponential", "logarithm", "ratio"]

# Its exp, ln and log10 are correctly rounded, by the General Decimal Arithmetic Specification.
_CONTEXT = decimal.Context(prec=28)


def logarithm(x: float) -> float:
    """The natural logarithm."""
    return float(_CONTEXT.ln(decimal.Decimal(x)))


def exponential(x: float) -> float:
    """The inverse of `logarithm`."""
    return float(_CONTEXT.exp(decimal.Decimal(x)))


def decibels(x: float) -> float:
    """A ratio in decibels."""
    return 10 * float(_CONTEXT.log10(decimal.Decimal(x)))


def ratio(decibels: float) -> float:
    """The inverse of `decibels`."""
    tenths = _CONTEXT.multiply(decimal.Decimal(decibels), _CONTEXT.ln(decimal.Decimal(10)))
    return float(_CONTEXT.exp(_CONTEXT.divide(tenths, decimal.Decimal(10))))
