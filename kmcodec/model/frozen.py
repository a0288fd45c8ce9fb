"""Immutable arrays and mappings, for frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["FrozenDict", "frozen", "own_arrays", "owned"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_T = TypeVar("_T")


def frozen(array: NDArray[Any], dtype: DTypeLike | None = None) -> NDArray[Any]:
    """Return a read-only, C-contiguous array that shares no memory with a writable one.

    Parameters
    ----------
    array : ndarray
    dtype : dtype-like, optional
        Dtype of the result; by default that of `array`.

    Returns
    -------
    ndarray
        A copy, unless the memory is read-only already: that of `bytes`, or of an array that is
        read-only together with all arrays under it.
    """
    made = np.ascontiguousarray(array, dtype)
    if np.may_share_memory(made, array):
        if _is_read_only(made):
            return made
        made = np.array(made, order="C", subok=False)
    return owned(made)


def owned(array: _T) -> _T:
    """Make an array read-only that has no other owner, and the arrays under it.

    `frozen` then needs no copy of it.
    """
    part: Any = array
    while isinstance(part, np.ndarray):
        part.setflags(write=False)
        part = part.base
    return array


def own_arrays(value: object) -> None:
    """Apply `owned` to each array among the attributes of a value."""
    for attribute in vars(value).values():
        owned(attribute)


def _is_read_only(memory: object) -> bool:
    if isinstance(memory, np.ndarray):
        if memory.flags.writeable:
            return False
        return memory.base is None or _is_read_only(memory.base)
    # A read-only view may share memory that others can write to; only bytes surely do not.
    return isinstance(memory, bytes)


class FrozenDict(dict[_K, _V]):
    """An immutable dict.

    A subclass of dict, so that `json.dumps`, `dataclasses.asdict` and pickle accept it.
    """

    def __init__(self, items: Mapping[_K, _V] | Iterable[tuple[_K, _V]] = ()) -> None:
        super().__init__(items)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("a frozen mapping cannot be changed: copy it to a dict first")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict[_K, _V]], tuple[dict[_K, _V]]]:
        # By default unpickling would set the items one by one.
        return type(self), (dict(self),)
