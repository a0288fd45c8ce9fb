"""Several frames to the bytes of one `.kmc` file; `reader` reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.animation.value import DEFAULT_DURATION, Animation, one_for_each
from kmcodec.assembly import Assembly
from kmcodec.coding import AUTO
from kmcodec.container.frame_table import MAX_DURATION, FrameTable
from kmcodec.encoder import file_of
from kmcodec.errors import KmcInputError
from kmcodec.image import MAX_COLORS, MAX_SIDE, IndexedImage, Metadata
from kmcodec.options import checked_choice, checked_integer
from kmcodec.pixels import channels_for_all, to_channels
from kmcodec.quantizer import DEFAULT_COLORS, ImageLike, is_indexed, pixels_of, quantize
from kmcodec.rate_distortion import FramesBuilder, Goal, Outcome, Subject, meet

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kmcodec.options import QuantizeOptions

__all__ = [
    "PALETTES",
    "encode_frames",
    "encode_smallest",
    "optimize_frames",
    "quantize_frames",
    "quantize_scenes",
    "sheet_of",
    "table_of",
]

PALETTES = ("shared", "frame")
"""Whether colours are looked for in all frames together or in each by itself."""


def encode_frames(
    frames: Iterable[ImageLike] | Animation,
    k: int | None = None,
    *,
    palettes: str = "shared",
    durations: int | Iterable[int] | None = None,
    loop: int | None = None,
    coding: str = "context",
    effort: str = AUTO,
    strip_rows: int | None = None,
    metadata: Metadata | None = None,
    rdo: float | None = None,
    psnr: float | None = None,
    max_bytes: int | None = None,
    strict: bool = False,
    **options: Unpack[QuantizeOptions],
) -> bytes:
    """Encode frames as one `.kmc` file.

    Parameters
    ----------
    frames : iterable of images (see `quantize`), or Animation
        All of one size.
    k : int, optional
        Palette entries, 1 to 65,536. If it is not given, palette images are kept exactly, with one
        palette for all or with their own, whichever takes fewer bytes; all else gets 256. Frames
        of no more than k colours together are kept exactly.
    palettes : {'shared', 'frame'}
        Whether k colours are looked for in all frames together or in each by itself. More colours
        that are shared are mostly the better use of as many bytes.
    durations : int or iterable of int, optional
        Milliseconds that a frame is shown: one number for all, or one for each; 100 if not given.
    loop : int, optional
        How often all frames are shown; 0, forever, if not given.
    coding, effort, strip_rows
        See `encode`.
    metadata : Metadata, optional
        That of the first frame if not given.
    rdo, psnr, max_bytes, strict
        See `encode`. The PSNR is that of the pixels of all frames together.
    **options
        See `quantize`. A shared palette is that of the pixels of all frames together.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If there are no frames, if they are of different sizes, or if an option is wrong.
    KmcGoalError
        If a goal cannot be reached and `strict` is set.
    """
    assembly = Assembly(coding, effort, strip_rows)
    goal = Goal.of(rdo, psnr, max_bytes, coding)
    images: Sequence[ImageLike]
    if isinstance(frames, Animation):
        durations = frames.durations if durations is None else durations
        loop = frames.loop if loop is None else loop
        images = [frames[number] for number in range(len(frames))]
    elif isinstance(frames, Iterable):
        images = list(frames)
    else:
        raise KmcInputError(
            f"frames are a sequence of images, not a single {type(frames).__name__}"
        )
    table = table_of(len(images), durations, loop)
    if goal is not None:
        outcome = optimize_frames(
            images, k, goal, assembly, table, palettes=palettes, metadata=metadata, **options
        )
        return file_of(outcome, strict)
    ways = quantize_scenes(images, k, palettes, **options)
    return encode_smallest(assembly, ways, table, metadata)[1]


def table_of(
    frames: int, durations: int | Iterable[int] | None = None, loop: int | None = None
) -> FrameTable:
    """The frame table of so many frames; see `encode_frames`.

    Raises
    ------
    KmcInputError
        If there are no frames, or durations or loop are wrong.
    """
    if not frames:
        raise KmcInputError("there are no frames to encode")
    times = _checked_durations(DEFAULT_DURATION if durations is None else durations, frames)
    loop = checked_integer("loop", 0 if loop is None else loop, 0, MAX_DURATION)
    return FrameTable(frames, times, loop)


def _checked_durations(given: int | Iterable[int], frames: int) -> tuple[int, ...]:
    """One for all or one for each, as few as it takes."""
    checked = one_for_each(given if isinstance(given, Iterable) else [given] * frames, frames)
    return checked[:1] if len(set(checked)) == 1 else checked


def quantize_frames(
    images: Sequence[ImageLike], k: int | None, **options: Unpack[QuantizeOptions]
) -> IndexedImage:
    """Quantise frames as one image, in which they are side by side.

    Parameters
    ----------
    images, k, **options
        See `encode_frames`.

    Returns
    -------
    IndexedImage
        Of shape (H, N * W), with the metadata of the first frame.

    Raises
    ------
    KmcInputError
        See `encode_frames`.
    """
    shared = _of_one_palette(images)
    if shared is not None and k is None and options.get("palette") is None:
        return quantize(shared, None, **options)
    pixels, metadata = _pixels_of_all(images)
    sheet = _side_by_side(pixels)
    if k is None and options.get("palette") is None:
        k = MAX_COLORS if all(map(is_indexed, images)) and _few_colors(sheet) else DEFAULT_COLORS
    if options.get("dither", "none") == "none":
        quantized = quantize(sheet, k, **options)
        palette, indices = quantized.palette, quantized.indices
    else:
        # One by one: no frame's error is to be spread into another.
        if options.get("palette") is None:
            undithered = options.copy()
            undithered["dither"] = "none"
            options["palette"] = quantize(sheet, k, **undithered).palette
            options.pop("reorder", None)
            k = None
        parts = [quantize(frame, k, **options) for frame in pixels]
        palette, indices = parts[0].palette, _side_by_side([part.indices for part in parts])
    return IndexedImage(palette, indices, metadata)


def quantize_scenes(
    images: Sequence[ImageLike],
    k: int | None,
    palettes: str = "shared",
    **options: Unpack[QuantizeOptions],
) -> list[list[IndexedImage]]:
    """Quantise frames in each way in which they may be written; see `encode_frames`.

    Parameters
    ----------
    images, k, palettes, **options
        See `encode_frames`.

    Returns
    -------
    list of list of IndexedImage
        Each the scenes, one after another, in which frames of one palette are side by side. If
        there are several, all have the same pixels.
    """
    given = options.get("palette") is not None
    if checked_choice("palettes", palettes, PALETTES) == "frame":
        if given:
            raise KmcInputError("palettes='frame' looks for colours: it excludes a palette")
        return [_scenes_of(_each_quantized(images, k, **options))]
    if k is not None or given or not all(map(is_indexed, images)):
        return [[quantize_frames(images, k, **options)]]
    own = _scenes_of([quantize(image) for image in images], options.get("reorder", False))
    if len(own) == 1:
        return [own]
    if _colors_in(own) > MAX_COLORS:
        return [own]
    return [[quantize_frames(images, k, **options)], own]


def encode_smallest(
    assembly: Assembly,
    ways: Sequence[Sequence[IndexedImage]],
    table: FrameTable,
    metadata: Metadata | None = None,
) -> tuple[Sequence[IndexedImage], bytes]:
    """Encode scenes in several ways, of which the smallest file is taken.

    Parameters
    ----------
    assembly : Assembly
    ways : sequence of sequence of IndexedImage
        See `quantize_scenes`.
    table : FrameTable
    metadata : Metadata, optional
        That of the first scene if not given.

    Returns
    -------
    scenes : sequence of IndexedImage
    data : bytes
    """
    made = []
    for scenes in ways:
        if metadata is not None:
            first = IndexedImage(scenes[0].palette, scenes[0].indices, metadata)
            scenes = [first, *scenes[1:]]
        made.append((scenes, assembly.encode_scenes(scenes, table)))
    return min(made, key=lambda each: len(each[1]))


def _each_quantized(
    images: Sequence[ImageLike], k: int | None, **options: Unpack[QuantizeOptions]
) -> list[IndexedImage]:
    """Each frame with a palette of its own, of one number of channels."""
    pixels, metadata = _pixels_of_all(images)
    frames = [
        quantize(image if k is None and is_indexed(image) else frame, k, **options)
        for image, frame in zip(images, pixels, strict=True)
    ]
    return [IndexedImage(frame.palette, frame.indices, metadata) for frame in frames]


def _scenes_of(frames: Sequence[IndexedImage], reorder: bool = False) -> list[IndexedImage]:
    """Frames side by side as long as they have the same palette, of one number of channels."""
    _check_sizes([frame.indices for frame in frames])
    channels = channels_for_all([frame.channels for frame in frames])
    runs: list[list[IndexedImage]] = []
    for frame in frames:
        if not runs or not np.array_equal(runs[-1][0].palette, frame.palette):
            runs.append([])
        runs[-1].append(frame)
    scenes: list[IndexedImage] = []
    for run in runs:
        palette = to_channels(run[0].palette, channels)
        indices = np.concatenate([frame.indices for frame in run], axis=1)
        scene = IndexedImage(palette, indices, frames[0].metadata)
        # A further scene may not have more entries than pixels.
        drop = bool(scenes) and len(palette) > indices.size
        scenes.append(quantize(scene, reorder=reorder or drop))
    return scenes


def _colors_in(scenes: Sequence[IndexedImage]) -> int:
    """How many colours scenes have together."""
    used = [scene.palette[np.unique(scene.indices)] for scene in scenes]
    return len(np.unique(np.concatenate(used), axis=0))


def optimize_frames(
    images: Sequence[ImageLike],
    k: int | None,
    goal: Goal,
    assembly: Assembly,
    table: FrameTable,
    *,
    palettes: str = "shared",
    metadata: Metadata | None = None,
    advance: Callable[[], None] = lambda: None,
    **options: Unpack[QuantizeOptions],
) -> Outcome:
    """Quantise frames for a goal that all together are to meet; see `encode_frames`.

    Parameters
    ----------
    images, k, palettes, **options
        See `encode_frames`. A goal is met with one palette for all frames.
    goal, assembly, metadata, advance
        See `kmcodec.rate_distortion.optimize`.
    table : FrameTable

    Returns
    -------
    Outcome
        Its image has all frames side by side.
    """
    if checked_choice("palettes", palettes, PALETTES) == "frame":
        raise KmcInputError("palettes='frame' excludes goals, which take one palette for all")
    pixels, own = _pixels_of_all(images)
    subject = Subject(
        _side_by_side(pixels),
        own if metadata is None else metadata,
        kept=lambda k: quantize_frames(images, k, **options),
        quantized=lambda k: quantize_frames(pixels, k, **options),
    )
    builder = FramesBuilder(assembly, table)
    return meet(goal, subject, k, builder, advance=advance, **options)


def sheet_of(images: Sequence[ImageLike]) -> NDArray[np.uint8]:
    """The pixels of all frames side by side, shape (H, N * W, C)."""
    return _side_by_side(_pixels_of_all(images)[0])


def _pixels_of_all(images: Sequence[ImageLike]) -> tuple[list[NDArray[np.uint8]], Metadata]:
    """Pixels of one number of channels, and the metadata of the first frame."""
    opened = [pixels_of(image) for image in images]
    pixels = [np.atleast_3d(frame) for frame, _ in opened]
    common = channels_for_all([frame.shape[2] for frame in pixels])
    return [to_channels(frame, common) for frame in pixels], opened[0][1]


def _of_one_palette(images: Sequence[ImageLike]) -> IndexedImage | None:
    """All frames side by side, where all have the same palette."""
    given = [image for image in images if isinstance(image, IndexedImage)]
    first = given[0] if given else None
    if first is None or len(given) < len(images):
        return None
    if not all(np.array_equal(image.palette, first.palette) for image in given):
        return None
    indices = _side_by_side([image.indices for image in given])
    return IndexedImage(first.palette, indices, first.metadata)


def _side_by_side(frames: Sequence[NDArray[Any]]) -> NDArray[Any]:
    _check_sizes(frames)
    return np.concatenate(frames, axis=1)


def _check_sizes(frames: Sequence[NDArray[Any]]) -> None:
    height, width = frames[0].shape[:2]
    for number, frame in enumerate(frames):
        if frame.shape[:2] != (height, width):
            raise KmcInputError(
                f"frame {number} is {frame.shape[1]:,} x {frame.shape[0]:,} pixels, "
                f"the first {width:,} x {height:,}: all frames have one size"
            )
    if len(frames) * max(width, height) > MAX_SIDE:
        raise KmcInputError(f"{len(frames):,} frames of {width:,} x {height:,} are too many")


def _few_colors(sheet: NDArray[np.uint8]) -> bool:
    """Whether a palette can hold all colours."""
    codes = np.zeros((*sheet.shape[:2], 4), np.uint8)
    codes[..., : sheet.shape[2]] = sheet
    return len(np.unique(codes.view(np.uint32))) <= MAX_COLORS
