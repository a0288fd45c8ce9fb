"""Colours that stand in a palette exactly, whatever the search finds beside them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.image import checked_palette
from kmcodec.model.keys import keys_of
from kmcodec.model.pixels import common_channels_for, to_channels

__all__ = ["Kept", "channels_with", "checked_kept", "in_channels", "is_kept", "kept_entries"]

Kept: TypeAlias = tuple[tuple[int, int, int, int], ...]
"""Distinct colours as RGBA: a value that requests compare and send to other processes."""


def checked_kept(colors: ArrayLike | None) -> Kept:
    """Return colours to keep, each once, in the order given.

    Parameters
    ----------
    colors : array_like, shape (N, C), or None
        As a palette: C = 1 to 4, whole numbers from 0 to 255. May be empty.

    Raises
    ------
    KmcInputError
        If they are not colours.
    """
    if colors is None or (isinstance(colors, (tuple, list)) and not len(colors)):
        return ()
    try:
        palette = checked_palette(colors)
    except KmcInputError as error:
        raise KmcInputError(
            f"keep must be a list of colours such as [[230, 57, 70]]: {error}"
        ) from error
    rows = to_channels(palette, 4).tolist()
    return tuple(dict.fromkeys((r, g, b, a) for r, g, b, a in rows))


def channels_with(keep: Kept, channels: int) -> int:
    """Return the number of channels that can hold an image and the kept colours."""
    return common_channels_for(np.array(keep, np.uint8), channels) if keep else channels


def in_channels(pixels: NDArray[np.uint8], keep: Kept) -> NDArray[np.uint8]:
    """Return pixels, shape (H, W) or (H, W, C), in channels that also hold the kept colours."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    wanted = channels_with(keep, channels)
    return pixels if wanted == channels else to_channels(np.atleast_3d(pixels), wanted)


def kept_entries(keep: Kept, channels: int) -> NDArray[np.uint8]:
    """Return the kept colours as entries with this number of channels; shape (N, C)."""
    return to_channels(np.array(keep, np.uint8).reshape(-1, 4), channels)


def is_kept(palette: NDArray[np.uint8], keep: Kept) -> NDArray[np.bool_]:
    """Return which entries of a palette are kept colours; shape (K,)."""
    if not keep:
        return np.zeros(len(palette), bool)
    return np.isin(keys_of(to_channels(palette, 4)), keys_of(np.array(keep, np.uint8)))
