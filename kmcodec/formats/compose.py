"""Patches drawn one after another, as GIF and animated PNG say it and browsers do it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["Disposal", "Patch", "composed"]


class Disposal(enum.IntEnum):
    """What becomes of a patch before the next one is drawn."""

    KEEP = 0
    CLEAR = 1
    """Its place is made clear, whatever was there before."""
    RESTORE = 2
    """Its place looks as it did before."""


@dataclass(frozen=True)
class Patch:
    """A part of a screen that is drawn anew.

    Parameters
    ----------
    left, top, width, height : int
        Its place, which may be partly or wholly beyond the screen.
    draw : callable
        Given what is under the patch, shape (h, w), without what is beyond the right and the lower
        edge of the screen, the pixels afterwards.
    disposal : Disposal
    """

    left: int
    top: int
    width: int
    height: int
    draw: Callable[[NDArray[Any]], NDArray[Any]]
    disposal: Disposal = Disposal.KEEP


def composed(patches: Iterable[Patch], screen: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Draw patches one after another.

    Parameters
    ----------
    patches : iterable of Patch
    screen : ndarray, shape (H, W)
        One number a pixel, 0 for clear: all clear at first. It is drawn on.

    Yields
    ------
    ndarray
        The screen itself after each patch: to be copied by whoever wants to keep it.

    Notes
    -----
    The rules are those of the GIF89a specification (section 23) and of PNG, third edition
    (section 11.3.6), as browsers follow them: a screen begins clear, what is disposed of becomes
    clear and never the background colour of a GIF, and what is beyond the screen is left out.
    """
    height, width = screen.shape
    for patch in patches:
        rows = slice(min(patch.top, height), min(patch.top + patch.height, height))
        columns = slice(min(patch.left, width), min(patch.left + patch.width, width))
        under = screen[rows, columns]
        before = under.copy() if patch.disposal is Disposal.RESTORE else None
        under[...] = patch.draw(under)
        yield screen
        if before is not None:
            under[...] = before
        elif patch.disposal is Disposal.CLEAR:
            under[...] = 0
