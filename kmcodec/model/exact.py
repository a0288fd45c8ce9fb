"""Logarithms and powers that are the same on every platform.

Those of C libraries differ in the last bit, so results of searches would differ, too.
"""

from __future__ import annotations

import decimal

__all__ = ["decibels", "exponential", "logarithm", "power", "ratio"]

# The General Decimal Arithmetic Specification requires correctly rounded exp, ln and log10.
_CONTEXT = decimal.Context(prec=28)


def logarithm(x: float) -> float:
    """Return the natural logarithm."""
    return float(_CONTEXT.ln(decimal.Decimal(x)))


def exponential(x: float) -> float:
    """Return the inverse of `logarithm`."""
    return float(_CONTEXT.exp(decimal.Decimal(x)))


def power(x: float, exponent: float) -> float:
    """Return a power of a positive number."""
    logarithm = _CONTEXT.ln(decimal.Decimal(x))
    return float(_CONTEXT.exp(_CONTEXT.multiply(logarithm, decimal.Decimal(exponent))))


def decibels(x: float) -> float:
    """Return a ratio in decibels."""
    return 10 * float(_CONTEXT.log10(decimal.Decimal(x)))


def ratio(decibels: float) -> float:
    """Return the inverse of `decibels`."""
    tenths = _CONTEXT.multiply(decimal.Decimal(decibels), _CONTEXT.ln(decimal.Decimal(10)))
    return float(_CONTEXT.exp(_CONTEXT.divide(tenths, decimal.Decimal(10))))
