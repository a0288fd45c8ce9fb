"""Encode several frames as one `.kmc` file; `decode_frames` reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcodec.animation.frame_palettes import (
    check_palettes,
    pixels_of_all,
    quantize_frames,
    quantize_scenes,
    side_by_side,
)
from kmcodec.animation.value import DEFAULT_DURATION, Animation, one_for_each
from kmcodec.container.frame_table import MAX_DURATION, FrameTable
from kmcodec.encoder import file_of
from kmcodec.errors import KmcInputError
from kmcodec.formats.fitting import fitting_metadata
from kmcodec.model.checks import checked_integer
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.quantizer import ImageLike, is_indexed
from kmcodec.rate_distortion import FramesBuilder, Goal, Outcome, Subject, meet
from kmcodec.request import EncodeOptions, EncodeRequest
from kmcodec.writing.assembly import Assembly

if TYPE_CHECKING:
    from typing_extensions import Unpack


__all__ = [
    "EncodedScenes",
    "encode_frames",
    "encode_images",
    "optimize_frames",
    "table_of",
]


def encode_frames(
    frames: Iterable[ImageLike] | Animation,
    k: int | None = None,
    *,
    palettes: str = "shared",
    durations: int | Iterable[int] | None = None,
    loop: int | None = None,
    metadata: Metadata | None = None,
    **options: Unpack[EncodeOptions],
) -> bytes:
    """Encode frames as one `.kmc` file.

    Parameters
    ----------
    frames : iterable of images (see `quantize`), or Animation
        All of the same size.
    k : int, optional
        Palette entries, 1 to 65,536. By default palette images are kept exactly, with one palette
        for all or with their own, whichever takes fewer bytes; others get 256 entries. Frames
        with at most k colours together are kept exactly.
    palettes : {'shared', 'frame'}
        Whether to search for a palette of k colours in all frames together or in each frame. For
        the same bytes, more shared colours are mostly better.
    durations : int or iterable of int, optional
        Milliseconds to show a frame: one number for all, or one for each; by default 100.
    loop : int, optional
        Number of times to show all frames; by default 0, forever.
    metadata : Metadata, optional
        By default that of the first frame.
    **options
        All other options of `encode`. The PSNR, and the search for a shared palette, are over the
        pixels of all frames together.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If `frames` is empty, sizes differ, or an option is wrong.
    KmcGoalError
        If a goal cannot be reached and `strict` is set.

    Warns
    -----
    KmcLossWarning
        If reduced or dropped bits, inks, colours or a profile change how pixels look.
    """
    request = EncodeRequest.of("encode_frames", k, **options)
    check_palettes(palettes, request)
    images: Sequence[ImageLike]
    if isinstance(frames, Animation):
        durations = frames.durations if durations is None else durations
        loop = frames.loop if loop is None else loop
        images = [frames[number] for number in range(len(frames))]
    elif isinstance(frames, Iterable):
        images = list(frames)
    else:
        raise KmcInputError(f"frames must be a sequence of images, not {type(frames).__name__}")
    table = table_of(len(images), durations, loop)
    encoded = encode_images(images, request, table, palettes=palettes, metadata=metadata)
    return file_of(encoded.data, encoded.shortfall, request.goal)


@dataclass(frozen=True)
class EncodedScenes:
    """A file, its scenes, and a description of any missed goal.

    Parameters
    ----------
    scenes : sequence of IndexedImage
        Each with its frames side by side; or one image.
    data : bytes
    shortfall : str, optional
    """

    scenes: Sequence[IndexedImage]
    data: bytes
    shortfall: str | None = None

    @property
    def width(self) -> int:
        """Width of all frames together."""
        return sum(scene.width for scene in self.scenes)

    def to_array(self) -> NDArray[np.uint8]:
        """Return the pixels of all frames side by side."""
        return np.concatenate([scene.to_array() for scene in self.scenes], axis=1)


def encode_images(
    images: Sequence[ImageLike],
    request: EncodeRequest,
    table: FrameTable,
    *,
    palettes: str = "shared",
    metadata: Metadata | None = None,
    advance: Callable[[], None] = lambda: None,
) -> EncodedScenes:
    """Quantise and encode frames, with or without a goal; see `encode_frames`.

    Parameters
    ----------
    images : sequence of images
    request : EncodeRequest
    table : FrameTable
    palettes, metadata
        See `encode_frames`.
    advance : callable
        Called after each step towards the goal.
    """
    quantizing, outcome = request.quantizing, None
    if request.goal is not None:
        outcome = optimize_frames(
            images,
            request,
            request.goal,
            table,
            metadata=metadata,
            advance=advance,
        )
        kept = quantizing.k is None and quantizing.palette is None
        if outcome.shortfall or not (kept and all(map(is_indexed, images))):
            return EncodedScenes([outcome.image], outcome.data, outcome.shortfall)
    ways = quantize_scenes(images, quantizing, palettes)
    exact = EncodedScenes(*_encode_smallest(request.assembly, ways, table, metadata))
    # Exact frames with their own palettes may take still fewer bytes.
    if outcome is not None and len(outcome.data) <= len(exact.data):
        return EncodedScenes([outcome.image], outcome.data)
    return exact


def optimize_frames(
    images: Sequence[ImageLike],
    request: EncodeRequest,
    goal: Goal,
    table: FrameTable,
    *,
    metadata: Metadata | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Outcome:
    """Quantise frames for a goal of all frames together; see `encode_frames`.

    Parameters
    ----------
    images : sequence of images
    request : EncodeRequest
    goal : Goal
        Of the request.
    table : FrameTable
    metadata, advance
        See `kmcodec.rate_distortion.optimize`.

    Returns
    -------
    Outcome
        Its image has all frames side by side.
    """
    pixels, own = pixels_of_all(images)
    quantizing = request.quantizing
    subject = Subject(
        side_by_side(pixels),
        own if metadata is None else metadata,
        kept=lambda request: quantize_frames(images, request),
        quantized=lambda request: quantize_frames(pixels, request),
    )
    builder = FramesBuilder(request.assembly, table)
    return meet(goal, subject, quantizing, builder, advance=advance)


def _encode_smallest(
    assembly: Assembly,
    ways: Sequence[Sequence[IndexedImage]],
    table: FrameTable,
    metadata: Metadata | None = None,
) -> tuple[Sequence[IndexedImage], bytes]:
    """Encode scenes in several ways, and return the smallest file.

    Parameters
    ----------
    assembly : Assembly
    ways : sequence of sequence of IndexedImage
        See `quantize_scenes`.
    table : FrameTable
    metadata : Metadata, optional
        By default that of the first scene.

    Returns
    -------
    scenes : sequence of IndexedImage
    data : bytes
    """
    made = []
    own = ways[0][0].metadata if metadata is None else metadata
    fitting = fitting_metadata(own, ways[0][0].channels)
    for scenes in ways:
        first = IndexedImage(scenes[0].palette, scenes[0].indices, fitting)
        scenes = [first, *scenes[1:]]
        made.append((scenes, assembly.encode_scenes(scenes, table)))
    return min(made, key=lambda each: len(each[1]))


def table_of(
    frames: int, durations: int | Iterable[int] | None = None, loop: int | None = None
) -> FrameTable:
    """Return the frame table of a number of frames; see `encode_frames`.

    Raises
    ------
    KmcInputError
        If `frames` is 0, or durations or loop are wrong.
    """
    if not frames:
        raise KmcInputError("no frames to encode")
    times = _checked_durations(DEFAULT_DURATION if durations is None else durations, frames)
    loop = checked_integer("loop", 0 if loop is None else loop, 0, MAX_DURATION)
    return FrameTable(frames, times, loop)


def _checked_durations(given: int | Iterable[int], frames: int) -> tuple[int, ...]:
    """Return one duration if all are equal, else one for each frame."""
    checked = one_for_each(given if isinstance(given, Iterable) else [given] * frames, frames)
    return checked[:1] if len(set(checked)) == 1 else checked
