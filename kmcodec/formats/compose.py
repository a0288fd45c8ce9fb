"""Patches drawn one after another, as GIF and animated PNG say it and browsers do it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Disposal", "Patch", "bounding_box", "composed"]


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


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


def bounding_box(chosen: NDArray[np.bool_]) -> Box:
    """The smallest rectangle that holds all pixels that are chosen; one pixel if none is."""
    (rows,) = np.nonzero(chosen.any(axis=1))
    if not len(rows):
        return Box(0, 0, 1, 1)
    top, bottom = int(rows[0]), int(rows[-1])
    (columns,) = np.nonzero(chosen[top : bottom + 1].any(axis=0))
    left, right = int(columns[0]), int(columns[-1])
    return Box(left, top, right + 1 - left, bottom + 1 - top)
