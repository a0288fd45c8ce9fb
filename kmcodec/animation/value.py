"""Several frames of one size, each shown for a time: the value that is encoded and decoded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.frame_table import MAX_DURATION
from kmcodec.errors import KmcInputError
from kmcodec.model.checks import checked_integer
from kmcodec.model.frozen import frozen, owned
from kmcodec.model.image import (
    IndexedImage,
    Metadata,
    array_of,
    check_indices,
    checked_palette,
    index_dtype,
)

__all__ = ["DEFAULT_DURATION", "Animation", "one_for_each"]

DEFAULT_DURATION = 100
"""Milliseconds that a frame is shown if nobody says otherwise."""


@dataclass(frozen=True, eq=False)
class Animation:
    """Frames of one size, each shown for a time.

    Parameters
    ----------
    palettes : tuple of ndarray, shape (K, C), uint8
        One for all frames, or one for each, which may be the same array; all of as many channels.
    indices : ndarray, shape (N, H, W), uint8 for up to 256 entries, else uint16
        Of each frame the numbers of its palette's entries.
    durations : tuple of int
        Milliseconds, one for each frame.
    loop : int
        How often all frames are shown; 0 is forever.
    metadata : Metadata

    Raises
    ------
    KmcInputError
        If a shape or dtype is wrong, an index is outside its palette, or there are not as many
        palettes or durations as that.

    Notes
    -----
    ``animation[3]`` is a frame as an `IndexedImage`, ``animation[3:8]`` an `Animation`. As those of
    an `IndexedImage`, the arrays are read-only, and copied where that is needed.
    """

    palettes: tuple[NDArray[np.uint8], ...]
    indices: NDArray[Any]
    durations: tuple[int, ...]
    loop: int = 0
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        given = tuple(self.palettes)
        # One for several frames stays one.
        checked = {id(palette): checked_palette(palette) for palette in given}
        palettes = tuple(checked[id(palette)] for palette in given)
        indices = _checked_frames(array_of("indices", self.indices), palettes)
        durations = one_for_each(self.durations, len(indices))
        object.__setattr__(self, "palettes", palettes)
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "durations", durations)
        object.__setattr__(self, "loop", checked_integer("loop", self.loop, 0, MAX_DURATION))

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.palettes, self.indices, self.durations, self.loop, self.metadata)
        return _unpickled, fields

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, frame: slice) -> Animation: ...

    @overload
    def __getitem__(self, frame: int) -> IndexedImage: ...

    def __getitem__(self, frame: int | slice) -> IndexedImage | Animation:
        if isinstance(frame, slice):
            palettes = self.palettes[frame] if len(self.palettes) > 1 else self.palettes
            return replace(
                self,
                palettes=palettes or self.palettes[:1],
                indices=self.indices[frame],
                durations=self.durations[frame],
            )
        return IndexedImage(self.palette_of(frame), self.indices[frame], self.metadata)

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The palette of the first frame, and of all if there is but one."""
        return self.palettes[0]

    def palette_of(self, frame: int) -> NDArray[np.uint8]:
        """The palette of a frame."""
        return self.palettes[frame if len(self.palettes) > 1 else 0]

    def to_array(self) -> NDArray[np.uint8]:
        """The pixels: uint8, shape (N, H, W) for grey, else (N, H, W, C)."""
        pixels = np.empty((*self.indices.shape, self.palette.shape[1]), np.uint8)
        for frame, indices in enumerate(self.indices):
            pixels[frame] = self.palette_of(frame)[indices]
        return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def _unpickled(
    palettes: tuple[NDArray[np.uint8], ...], indices: NDArray[Any], *fields: Any
) -> Animation:
    return Animation(tuple(map(owned, palettes)), owned(indices), *fields)


def _checked_frames(indices: NDArray[Any], palettes: Sequence[NDArray[np.uint8]]) -> NDArray[Any]:
    """The index maps of all frames, in the dtype of the longest palette."""
    if indices.ndim != 3 or not indices.size:
        raise KmcInputError(f"frames must have shape (N, height, width), not {indices.shape}")
    if len(palettes) not in (1, len(indices)):
        raise KmcInputError(
            f"{len(palettes):,} palettes for {len(indices):,} frames, must be one for all or "
            "one for each"
        )
    if len({palette.shape[1] for palette in palettes}) > 1:
        raise KmcInputError("all palettes must have the same number of channels")
    if len(palettes) == 1:
        check_indices(indices, len(palettes[0]))
    else:
        for frame, palette in zip(indices, palettes, strict=True):
            check_indices(frame, len(palette))
    return frozen(indices, index_dtype(max(map(len, palettes))))


def one_for_each(durations: Iterable[int], frames: int) -> tuple[int, ...]:
    """Durations as a tuple, one for each of so many frames.

    Raises
    ------
    KmcInputError
        If there are more or fewer, or they are no milliseconds that a file can hold.
    """
    checked = tuple(checked_integer("durations", each, 0, MAX_DURATION) for each in durations)
    if len(checked) != frames:
        raise KmcInputError(
            f"{len(checked):,} durations for {frames:,} frames, must be one for all or one for each"
        )
    return checked
