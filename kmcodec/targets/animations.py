"""Encode animations in other formats: GIF, animated PNG, WebP and AVIF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.animation.frame_palettes import quantize_frames
from kmcodec.animation.value import Animation
from kmcodec.errors import KmcInputError, warn
from kmcodec.formats.apng_writer import delay_of, write_apng
from kmcodec.formats.gif_writer import MAX_DELAY, write_gif
from kmcodec.formats.pillow_images import to_pillow
from kmcodec.model.image import IndexedImage
from kmcodec.model.pixels import to_channels
from kmcodec.quantization import QuantizeRequest
from kmcodec.sources.frames import ANIMATED, gif_loop
from kmcodec.sources.images import named_warnings
from kmcodec.targets.images import (
    ARRAYS,
    comment_of,
    encode_image,
    fit_for_gif,
    format_of,
    metadata_options,
)
from kmcodec.targets.lost_metadata import warn_of_lost_metadata

__all__ = ["encode_animation"]

_OPTIONS: dict[str, dict[str, Any]] = {
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True, "exact": True},
}
# The longest duration, in milliseconds, and the highest loop count.
_LIMITS = {"AVIF": (2**31 - 1, 0), "WEBP": (2**24 - 1, 65_535)}


def encode_animation(animation: Animation, kind: str) -> bytes:
    """Encode an animation in the format of a file extension, fully in memory.

    Parameters
    ----------
    animation : Animation
        With several frames.
    kind : str
        File extension, with the dot. Formats without animations get the first frame.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If the extension is unknown, or the format cannot hold the frames.

    Warns
    -----
    KmcWarning
        If frames, colours or metadata are dropped.
    """
    extension = kind.lower()
    format_ = "" if extension in ARRAYS else format_of(extension)
    if format_ not in ANIMATED:
        text = f"{extension} file: {len(animation)} frames, used the first"
        warn(text)
        return encode_image(animation[0], kind)
    with named_warnings(f"{extension} file"):
        frames = [animation[number] for number in range(len(animation))]
        if format_ == "GIF":
            data = _to_gif(animation, frames)
        elif format_ == "PNG":
            data = _to_png(animation, frames)
        else:
            data = _by_pillow(animation, frames, format_)
        warn_of_lost_metadata(data, animation.metadata, format_)
        return data


def _to_gif(animation: Animation, frames: Sequence[IndexedImage]) -> bytes:
    times = _in_steps(animation.durations, 10)
    for number, time in enumerate(times):
        if time > MAX_DELAY:
            raise KmcInputError(
                f"frame {number} lasts {animation.durations[number]:,} ms, "
                f"but GIF allows at most {10 * MAX_DELAY:,} ms"
            )
    if tuple(10 * time for time in times) != animation.durations:
        _warn("rounded durations to the 10 ms steps of a GIF")
    repeats = gif_loop(animation.loop)
    if repeats is not None and repeats < animation.loop - 1:
        _warn(f"shown {repeats + 1:,} times, not {animation.loop:,}: the most that GIF allows")
    fitting = [fit_for_gif(frame) for frame in _of_few_colors(frames)]
    return write_gif(fitting, times, repeats, comment_of(animation.metadata))


def _to_png(animation: Animation, frames: Sequence[IndexedImage]) -> bytes:
    delays = [delay_of(duration) for duration in animation.durations]
    if any(1000 * delay != each for delay, each in zip(delays, animation.durations, strict=True)):
        _warn("rounded long durations to the steps of a PNG")
    try:
        options = metadata_options(animation.metadata, "PNG")
        return write_apng(frames, delays, animation.loop, options)
    except Exception:  # a second try shows whether the metadata are at fault
        data = write_apng(frames, delays, animation.loop, {})
    _warn("dropped metadata that PNG cannot hold")
    return data


def _by_pillow(animation: Animation, frames: Sequence[IndexedImage], format_: str) -> bytes:
    longest, most = _LIMITS[format_]
    if max(animation.durations) > longest:
        raise KmcInputError(
            f"a frame lasts {max(animation.durations):,} ms, but {format_} allows at most "
            f"{longest:,} ms"
        )
    loop = animation.loop
    if loop > most:
        loop = most
        if most:
            told = f"{most:,} times, not {animation.loop:,}: the most that {format_} allows"
        else:
            told = f"for ever, not {animation.loop:,} times: {format_} has no loop count"
        _warn(f"shown {told}")
    pictures = [to_pillow(frame) for frame in frames]
    for picture in pictures:
        # Some writers read options from `info`: keep only what belongs to the pixels.
        picture.info = {k: v for k, v in picture.info.items() if k == "transparency"}
    options = _OPTIONS[format_] | metadata_options(animation.metadata, format_)
    options |= {"duration": list(animation.durations), "loop": loop}
    stream = io.BytesIO()
    try:
        pictures[0].save(stream, format_, save_all=True, append_images=pictures[1:], **options)
    except Exception as error:  # each writer raises its own
        raise KmcInputError(f"cannot write {len(frames):,} frames as {format_}: {error}") from error
    with Image.open(stream) as written:
        kept = getattr(written, "n_frames", 1)
    if kept == 1:
        _warn("all frames are equal: wrote one, without its duration")
    elif kept < len(frames):
        _warn(f"{len(frames) - kept:,} frames merged with equal ones before them")
    return stream.getvalue()


def _in_steps(durations: Sequence[int], step: int) -> list[int]:
    """Convert durations to longer steps without accumulating rounding errors; none becomes 0."""
    steps, late = [], 0
    for duration in durations:
        wanted = duration + late
        steps.append(max(1, (2 * wanted + step) // (2 * step)) if duration else 0)
        late = wanted - step * steps[-1] if duration else late
    return steps


def _of_few_colors(frames: Sequence[IndexedImage]) -> list[IndexedImage]:
    """Return frames of at most 256 entries; larger ones share a palette found by search."""
    small = [_with_used_entries(frame) for frame in frames]
    large = [number for number, frame in enumerate(small) if len(frame.palette) > 256]
    if not large:
        return small
    _warn("reduced to the 256 colours of a GIF")
    opaque = [_without_clear(small[number]) for number in large]
    any_clear = any(clear.any() for _, clear in opaque)
    sheet = quantize_frames(
        [pixels for pixels, _ in opaque], QuantizeRequest(k=255 if any_clear else 256)
    )
    palette = sheet.palette
    if any_clear:
        palette = np.vstack([to_channels(palette, 4), np.zeros((1, 4), np.uint8)])
    parts = np.split(sheet.indices, len(large), axis=1)
    for number, indices, (_, clear) in zip(large, parts, opaque, strict=True):
        placed = np.where(clear, np.uint8(len(palette) - 1), indices) if any_clear else indices
        small[number] = IndexedImage(palette, placed)
    return small


def _without_clear(frame: IndexedImage) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return pixels without alpha, and a mask of clear ones, which get another colour."""
    palette = to_channels(frame.palette, 4)
    colors, clear = palette[:, :3], palette[:, 3] == 0
    if clear.any() and not clear.all():
        colors = np.where(clear[:, None], colors[~clear][0], colors)
    return colors[frame.indices], clear[frame.indices]


def _warn(text: str) -> None:
    warn(text)


def _with_used_entries(frame: IndexedImage) -> IndexedImage:
    """Drop unused entries from a palette that is too long for a GIF."""
    if len(frame.palette) <= 256:
        return frame
    used, indices = np.unique(frame.indices, return_inverse=True)
    return IndexedImage(frame.palette[used], indices.reshape(frame.indices.shape), frame.metadata)
