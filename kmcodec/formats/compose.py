"""Draw patches one after another, as GIF and animated PNG specify and browsers do."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Disposal", "Patch", "bounding_box", "composed"]


class Disposal(enum.IntEnum):
    """How to remove a patch before drawing the next one."""

    KEEP = 0
    CLEAR = 1
    """Make its place clear."""
    RESTORE = 2
    """Restore the previous pixels of its place."""


@dataclass(frozen=True)
class Patch:
    """A part of the screen to draw.

    Parameters
    ----------
    left, top, width, height : int
        Its place, which may be partly or wholly beyond the screen.
    draw : callable
        Maps the pixels under the patch, shape (h, w), to the new ones. Pixels beyond the right and
        lower edges of the screen are cut off.
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
        One number a pixel, 0 for clear; initially all clear. Modified in place.

    Yields
    ------
    ndarray
        The screen itself after each patch; copy it to keep it.

    Notes
    -----
    The rules are those of the GIF89a specification (section 23) and of PNG, third edition
    (section 11.3.6), as browsers follow them: the screen begins clear, disposed patches become
    clear, never the background colour of a GIF, and pixels beyond the screen are dropped.
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
        """Return its rows and columns."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


def bounding_box(chosen: NDArray[np.bool_]) -> Box:
    """Return the smallest rectangle around all chosen pixels; one pixel if none is chosen."""
    (rows,) = np.nonzero(chosen.any(axis=1))
    if not len(rows):
        return Box(0, 0, 1, 1)
    top, bottom = int(rows[0]), int(rows[-1])
    (columns,) = np.nonzero(chosen[top : bottom + 1].any(axis=0))
    left, right = int(columns[0]), int(columns[-1])
    return Box(left, top, right + 1 - left, bottom + 1 - top)
