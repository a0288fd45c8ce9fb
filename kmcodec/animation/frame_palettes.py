"""Frames to palettes and indices: one palette for all, or one for each run of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.frame_table import MAX_FRAMES
from kmcodec.errors import KmcInputError
from kmcodec.model.checks import checked_choice
from kmcodec.model.image import MAX_COLORS, MAX_SIDE, IndexedImage, Metadata
from kmcodec.model.keys import keys_of
from kmcodec.model.pixels import channels_for_all, to_channels
from kmcodec.quantization import QuantizeRequest
from kmcodec.quantizer import ImageLike, is_indexed, pixels_of, quantize, quantized

__all__ = [
    "PALETTES",
    "pixels_of_all",
    "quantize_frames",
    "quantize_scenes",
    "sheet_of",
    "side_by_side",
]

PALETTES = ("shared", "frame")
"""Whether colours are looked for in all frames together or in each by itself."""


def quantize_frames(images: Sequence[ImageLike], request: QuantizeRequest) -> IndexedImage:
    """Quantise frames as one image, in which they are side by side.

    Parameters
    ----------
    images : sequence of images
    request : QuantizeRequest
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
    # One by one: no frame's error is to be spread into another.
    if request.palette is None:
        found = quantized(sheet, request.without_dither())
        request = request.with_palette(found.palette)
    parts = [quantized(frame, request) for frame in pixels]
    return IndexedImage(parts[0].palette, side_by_side([part.indices for part in parts]), metadata)


def quantize_scenes(
    images: Sequence[ImageLike], request: QuantizeRequest, palettes: str = "shared"
) -> list[list[IndexedImage]]:
    """Quantise frames in each way in which they may be written; see `encode_frames`.

    Parameters
    ----------
    images : sequence of images
    request : QuantizeRequest
    palettes : {'shared', 'frame'}

    Returns
    -------
    list of list of IndexedImage
        Each the scenes, one after another, in which frames of one palette are side by side. If
        there are several, all have the same pixels.
    """
    given = request.palette is not None
    if checked_choice("palettes", palettes, PALETTES) == "frame":
        if given:
            raise KmcInputError("palettes='frame' looks for colours: it excludes a palette")
        return [_scenes_of(_each_quantized(images, request))]
    if request.k is not None or given or not all(map(is_indexed, images)):
        return [[quantize_frames(images, request)]]
    own = _scenes_of([quantize(image) for image in images], request.reorder)
    if len(own) == 1:
        return [own]
    if _colors_in(own) > MAX_COLORS:
        return [own]
    return [[quantize_frames(images, request)], own]


def sheet_of(images: Sequence[ImageLike]) -> NDArray[np.uint8]:
    """The pixels of all frames side by side, shape (H, N * W, C)."""
    return side_by_side(pixels_of_all(images)[0])


def pixels_of_all(images: Sequence[ImageLike]) -> tuple[list[NDArray[np.uint8]], Metadata]:
    """Pixels of all frames, each (H, W, C) of one C, and the metadata of the first."""
    opened = [pixels_of(image) for image in images]
    pixels = [np.atleast_3d(frame) for frame, _ in opened]
    common = channels_for_all([frame.shape[2] for frame in pixels])
    return [to_channels(frame, common) for frame in pixels], opened[0][1]


def _each_quantized(images: Sequence[ImageLike], request: QuantizeRequest) -> list[IndexedImage]:
    """Each frame with a palette of its own, of one number of channels."""
    pixels, metadata = pixels_of_all(images)
    frames = [
        quantized(image if request.k is None and is_indexed(image) else frame, request)
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


def _of_one_palette(images: Sequence[ImageLike]) -> IndexedImage | None:
    """All frames side by side, where all have the same palette."""
    given = [image for image in images if isinstance(image, IndexedImage)]
    first = given[0] if given else None
    if first is None or len(given) < len(images):
        return None
    if not all(np.array_equal(image.palette, first.palette) for image in given):
        return None
    indices = side_by_side([image.indices for image in given])
    return IndexedImage(first.palette, indices, first.metadata)


def side_by_side(frames: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Frames of shape (H, W) or (H, W, C) as one array, (H, N * W) or (H, N * W, C).

    Raises
    ------
    KmcInputError
        If they are of different sizes, or too many.
    """
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
    if len(frames) > MAX_FRAMES:
        raise KmcInputError(f"{len(frames):,} frames are too many: at most {MAX_FRAMES:,} fit")
    if len(frames) * max(width, height) > MAX_SIDE:
        raise KmcInputError(f"{len(frames):,} frames of {width:,} x {height:,} are too many")


def _few_colors(sheet: NDArray[np.uint8]) -> bool:
    """Whether a palette can hold all colours."""
    return len(np.unique(keys_of(sheet))) <= MAX_COLORS
