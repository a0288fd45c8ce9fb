"""Animation: several frames of one size with their durations."""

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
"""Default duration of a frame in milliseconds."""


@dataclass(frozen=True, eq=False)
class Animation:
    """Frames of one size with their durations.

    Parameters
    ----------
    palettes : tuple of ndarray, shape (K, C), uint8
        One for all frames, or one for each; they may be the same array, and have the same C.
    indices : ndarray, shape (N, H, W), uint8 for up to 256 entries, else uint16
        For each frame the numbers of its palette entries.
    durations : tuple of int
        Milliseconds, one for each frame.
    loop : int
        Number of times to show all frames; 0 is forever.
    metadata : Metadata

    Raises
    ------
    KmcInputError
        If a shape or dtype is wrong, an index is outside its palette, or the number of palettes or
        durations is wrong.

    Notes
    -----
    ``animation[3]`` is a frame as an `IndexedImage`, ``animation[3:8]`` an `Animation`. The arrays
    are read-only, and copied if needed, as in an `IndexedImage`.
    """

    palettes: tuple[NDArray[np.uint8], ...]
    indices: NDArray[Any]
    durations: tuple[int, ...]
    loop: int = 0
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        given = tuple(self.palettes)
        # Check an array shared by several frames once, so that they still share it.
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
        """The palette of the first frame, or of all frames."""
        return self.palettes[0]

    def palette_of(self, frame: int) -> NDArray[np.uint8]:
        """Return the palette of a frame."""
        return self.palettes[frame if len(self.palettes) > 1 else 0]

    def to_array(self) -> NDArray[np.uint8]:
        """Return the pixels: uint8, shape (N, H, W) for grey, else (N, H, W, C)."""
        pixels = np.empty((*self.indices.shape, self.palette.shape[1]), np.uint8)
        for frame, indices in enumerate(self.indices):
            pixels[frame] = self.palette_of(frame)[indices]
        return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def _unpickled(
    palettes: tuple[NDArray[np.uint8], ...], indices: NDArray[Any], *fields: Any
) -> Animation:
    return Animation(tuple(map(owned, palettes)), owned(indices), *fields)


def _checked_frames(indices: NDArray[Any], palettes: Sequence[NDArray[np.uint8]]) -> NDArray[Any]:
    """Return the index maps of all frames, in the dtype for the longest palette."""
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
    """Return durations as a tuple, one for each frame.

    Raises
    ------
    KmcInputError
        If their number is wrong, or a file cannot store one as milliseconds.
    """
    checked = tuple(checked_integer("durations", each, 0, MAX_DURATION) for each in durations)
    if len(checked) != frames:
        raise KmcInputError(
            f"{len(checked):,} durations for {frames:,} frames, must be one for each"
        )
    return checked
