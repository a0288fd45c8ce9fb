"""Quantise frames with one palette for all, or one for each run of frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.frame_table import MAX_FRAMES
from kmcodec.errors import KmcInputError
from kmcodec.formats.fitting import fitting_metadata
from kmcodec.model.checks import checked_choice
from kmcodec.model.image import MAX_COLORS, MAX_SIDE, IndexedImage, Metadata
from kmcodec.model.keys import keys_of
from kmcodec.model.pixels import channels_for_all, to_channels
from kmcodec.quantization import QuantizeRequest
from kmcodec.quantization.kept import Kept
from kmcodec.quantizer import ImageLike, is_indexed, pixels_of, quantize, quantized
from kmcodec.request import EncodeRequest

__all__ = [
    "PALETTES",
    "check_palettes",
    "pixels_of_all",
    "quantize_frames",
    "quantize_scenes",
    "sheet_of",
    "side_by_side",
]

PALETTES = ("shared", "frame")
"""Where to search for a palette: in all frames together or in each frame."""


def check_palettes(palettes: str, request: EncodeRequest) -> None:
    """Refuse a palette for each frame along with options that need one for all.

    Parameters
    ----------
    palettes : {'shared', 'frame'}
    request : EncodeRequest

    Raises
    ------
    KmcInputError
    """
    if checked_choice("palettes", palettes, PALETTES) != "frame":
        return
    if request.goal is not None:
        raise KmcInputError(
            "palettes='frame' excludes quality, rdo, psnr and max_bytes, which need one palette"
        )
    if request.quantizing.palette is not None:
        raise KmcInputError("palettes='frame' and palette exclude each other")


def quantize_frames(images: Sequence[ImageLike], request: QuantizeRequest) -> IndexedImage:
    """Quantise frames as one image with the frames side by side.

    Parameters
    ----------
    images : sequence of images
    request : QuantizeRequest
        See `encode_frames`.

    Returns
    -------
    IndexedImage
        Shape (H, N * W), with the metadata of the first frame.

    Raises
    ------
    KmcInputError
        See `encode_frames`.
    """
    kept = request.k is None and request.palette is None
    shared = _of_one_palette(images)
    if shared is not None and kept:
        return quantized(shared, request)
    pixels, metadata = pixels_of_all(images)
    sheet = side_by_side(pixels)
    if kept and all(map(is_indexed, images)) and _few_colors(sheet):
        request = request.with_k(MAX_COLORS)
    if not request.placing.dithers:
        whole = quantized(sheet, request)
        return IndexedImage(whole.palette, whole.indices, metadata)
    # Dither frames one by one, so that no error spreads into another frame.
    if request.palette is None:
        found = quantized(sheet, request.without_dither())
        request = request.with_palette(found.palette)
    parts = _dithered(pixels, request)
    return IndexedImage(parts[0].palette, side_by_side([part.indices for part in parts]), metadata)


def _dithered(frames: Sequence[NDArray[np.uint8]], request: QuantizeRequest) -> list[IndexedImage]:
    """Dither frames by a given palette so that what does not change does not flicker.

    A pixel of the same colour as in the frame before keeps its entry.
    """
    parts = [quantized(frames[0], request)]
    for before, frame in pairwise(frames):
        # A frame of another size is refused later.
        same = before.shape == frame.shape
        unchanged = (before == frame).all(axis=2) if same else False
        kept = np.where(unchanged, parts[-1].indices.astype(np.intp), -1) if same else None
        parts.append(quantized(frame, request, kept=kept))
    return parts


def quantize_scenes(
    images: Sequence[ImageLike], request: QuantizeRequest, palettes: str = "shared"
) -> list[list[IndexedImage]]:
    """Quantise frames in each possible division into scenes; see `encode_frames`.

    Parameters
    ----------
    images : sequence of images
    request : QuantizeRequest
    palettes : {'shared', 'frame'}
        As `check_palettes` found it.

    Returns
    -------
    list of list of IndexedImage
        For each way the consecutive scenes, with the frames of one palette side by side. All ways
        give the same pixels.
    """
    if palettes == "frame":
        return [_scenes_of(_each_quantized(images, request), request.search.keep)]
    kept = request.k is None and request.palette is None
    if not kept or not all(map(is_indexed, images)):
        return [[quantize_frames(images, request)]]
    keep = request.search.keep
    own = _scenes_of([quantize(image, keep=keep) for image in images], keep, request.reorder)
    if len(own) == 1:
        return [own]
    if _colors_in(own) > MAX_COLORS:
        return [own]
    return [[quantize_frames(images, request)], own]


def sheet_of(images: Sequence[ImageLike]) -> NDArray[np.uint8]:
    """Return the pixels of all frames side by side, shape (H, N * W, C)."""
    return side_by_side(pixels_of_all(images)[0])


def pixels_of_all(images: Sequence[ImageLike]) -> tuple[list[NDArray[np.uint8]], Metadata]:
    """Return the pixels of all frames, (H, W, C) with the same C, and the first's metadata."""
    opened = [pixels_of(image) for image in images]
    pixels = [np.atleast_3d(frame) for frame, _ in opened]
    common = channels_for_all([frame.shape[2] for frame in pixels])
    return [to_channels(frame, common) for frame in pixels], opened[0][1]


def _each_quantized(images: Sequence[ImageLike], request: QuantizeRequest) -> list[IndexedImage]:
    """Return each frame with its own palette, all with the same number of channels."""
    pixels, metadata = pixels_of_all(images)
    frames = [
        quantized(image if request.k is None and is_indexed(image) else frame, request)
        for image, frame in zip(images, pixels, strict=True)
    ]
    return [IndexedImage(frame.palette, frame.indices, metadata) for frame in frames]


def _scenes_of(
    frames: Sequence[IndexedImage], keep: Kept, reorder: bool = False
) -> list[IndexedImage]:
    """Join consecutive frames with the same palette, all with the same number of channels."""
    _check_sizes([frame.indices for frame in frames])
    channels = channels_for_all([frame.channels for frame in frames])
    metadata = fitting_metadata(frames[0].metadata, channels)
    runs: list[list[IndexedImage]] = []
    for frame in frames:
        if not runs or not np.array_equal(runs[-1][0].palette, frame.palette):
            runs.append([])
        runs[-1].append(frame)
    scenes: list[IndexedImage] = []
    for run in runs:
        palette = to_channels(run[0].palette, channels)
        indices = np.concatenate([frame.indices for frame in run], axis=1)
        scene = IndexedImage(palette, indices, metadata)
        # A further scene must not have more entries than pixels.
        drop = bool(scenes) and len(palette) > indices.size
        scene = quantize(scene, len(palette), reorder=reorder or drop, keep=keep)
        if drop and len(scene.palette) > indices.size:
            raise KmcInputError(
                f"keep has {len(keep):,} colours, more than the {indices.size:,} pixels of frames "
                "with a palette of their own"
            )
        scenes.append(scene)
    return scenes


def _colors_in(scenes: Sequence[IndexedImage]) -> int:
    """Return the number of colours of all scenes together."""
    used = [scene.palette[np.unique(scene.indices)] for scene in scenes]
    return len(np.unique(np.concatenate(used), axis=0))


def _of_one_palette(images: Sequence[ImageLike]) -> IndexedImage | None:
    """Return all frames side by side if all have the same palette, else None."""
    given = [image for image in images if isinstance(image, IndexedImage)]
    first = given[0] if given else None
    if first is None or len(given) < len(images):
        return None
    if not all(np.array_equal(image.palette, first.palette) for image in given):
        return None
    indices = side_by_side([image.indices for image in given])
    return IndexedImage(first.palette, indices, first.metadata)


def side_by_side(frames: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Join frames of shape (H, W) or (H, W, C) to one array, (H, N * W) or (H, N * W, C).

    Raises
    ------
    KmcInputError
        If their sizes differ, or they are too many.
    """
    _check_sizes(frames)
    return np.concatenate(frames, axis=1)


def _check_sizes(frames: Sequence[NDArray[Any]]) -> None:
    height, width = frames[0].shape[:2]
    for number, frame in enumerate(frames):
        if frame.shape[:2] != (height, width):
            raise KmcInputError(
                f"frame {number} is {frame.shape[1]:,} x {frame.shape[0]:,} pixels, "
                f"but the first is {width:,} x {height:,}: all frames must have the same size"
            )
    if len(frames) > MAX_FRAMES:
        raise KmcInputError(f"{len(frames):,} frames, must be at most {MAX_FRAMES:,}")
    if len(frames) * max(width, height) > MAX_SIDE:
        raise KmcInputError(
            f"{len(frames):,} frames of {width:,} x {height:,} pixels exceed the limit of "
            f"{MAX_SIDE:,} pixels a side"
        )


def _few_colors(sheet: NDArray[np.uint8]) -> bool:
    """Return True if a palette can hold all colours."""
    return len(np.unique(keys_of(sheet))) <= MAX_COLORS
