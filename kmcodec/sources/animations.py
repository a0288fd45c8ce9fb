"""Read animations from the bytes of files: every shown frame, or an error."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from kmcodec.animation.value import DEFAULT_DURATION
from kmcodec.errors import KmcError, KmcInputError, KmcLimitError
from kmcodec.formats.apng import apng_frames, is_png, parse_apng
from kmcodec.formats.faults import fault_of
from kmcodec.formats.gif import gif_frames, is_gif, parse_gif
from kmcodec.formats.pillow_images import from_pillow
from kmcodec.model.image import IndexedImage
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.sources.frames import ANIMATED, frames_of, loop_of, with_palettes

__all__ = ["SourceFrames", "animation_in", "frame_instead_of_picture"]

# Functions that turn images upright, by EXIF orientation.
_TURNS: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, 3),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: np.rot90,
}


@dataclass(frozen=True)
class SourceFrames:
    """Frames of an animation; see `encode_frames`."""

    images: tuple[NDArray[np.uint8] | IndexedImage | Image.Image, ...]
    durations: tuple[int, ...]
    loop: int


def animation_in(data: bytes, limit: int = DEFAULT_MAX_PIXELS) -> SourceFrames | None:
    """Return the frames of an animation as browsers show them, turned upright by its EXIF.

    Parameters
    ----------
    data : bytes
        A whole file of a format that Pillow reads.
    limit : int
        The most pixels that all frames together may have.

    Returns
    -------
    SourceFrames or None
        None for still images, and for other files.

    Raises
    ------
    KmcInputError
        If a frame is damaged or truncated.
    KmcLimitError
        If the pixels exceed `limit`.
    """
    if is_gif(data):
        return _from_gif(data, limit)
    shown = _from_png(data, limit) if is_png(data) else _from_pillow(data, limit)
    return None if shown is None else _upright(shown, data)


def frame_instead_of_picture(
    data: bytes, limit: int = DEFAULT_MAX_PIXELS
) -> NDArray[np.uint8] | IndexedImage | None:
    """Return the first frame of an animated PNG whose still picture is not one of its frames.

    Parameters
    ----------
    data : bytes
        A whole PNG.
    limit : int
        The most pixels that a frame may have.

    Returns
    -------
    ndarray of uint8, IndexedImage or None
        Turned upright. None for all other files, and if frames are damaged.

    Raises
    ------
    KmcLimitError
        If the pixels exceed `limit`.
    """
    try:
        file = parse_apng(data)
        if file is None or not file.hides_picture:
            return None
        _check(1, *file.size, limit)
        frames = tuple(apng_frames(replace(file, frames=file.frames[:1])))
    except KmcInputError:
        return None
    (shown,) = _upright(SourceFrames(frames, (0,), 0), data).images
    assert not isinstance(shown, Image.Image)
    return shown


def _upright(shown: SourceFrames, data: bytes) -> SourceFrames:
    try:
        with Image.open(io.BytesIO(data)) as image:
            turn = _TURNS[image.getexif()[ExifTags.Base.Orientation]]
    except Exception:  # no EXIF, or damaged EXIF, which may raise anything
        return shown
    turned: list[NDArray[np.uint8] | IndexedImage] = []
    for frame in shown.images:
        if isinstance(frame, Image.Image):
            frame = from_pillow(frame)
        if isinstance(frame, IndexedImage):
            turned.append(IndexedImage(frame.palette, turn(frame.indices), frame.metadata))
        else:
            turned.append(turn(frame))
    return replace(shown, images=tuple(turned))


def _from_gif(data: bytes, limit: int) -> SourceFrames | None:
    file = parse_gif(data)
    if len(file.frames) < 2:
        return None
    _check(len(file.frames), file.width, file.height, limit)
    # Parts beyond the screen are decoded too.
    _check_patches(((frame.width, frame.height) for frame in file.frames), limit)
    durations = tuple(
        DEFAULT_DURATION if frame.delay is None else 10 * frame.delay for frame in file.frames
    )
    return SourceFrames(tuple(with_palettes(gif_frames(file))), durations, file.loop)


def _from_png(data: bytes, limit: int) -> SourceFrames | None:
    file = parse_apng(data)
    if file is None or len(file.frames) < 2:
        return None
    _check(len(file.frames), *file.size, limit)
    durations = tuple(round(frame.delay) for frame in file.frames)
    return SourceFrames(tuple(apng_frames(file)), durations, file.loop)


def _from_pillow(data: bytes, limit: int) -> SourceFrames | None:
    try:
        image = Image.open(io.BytesIO(data))
        # Pages and layers are not counted, as counting reads the whole file.
        count = getattr(image, "n_frames", 1) if image.format in ANIMATED else 1
    except Exception:  # reading the first frame reports the error
        return None
    with image:
        if count < 2:
            return None
        _check(count, image.width, image.height, limit)
        try:
            images, durations = zip(*frames_of(image), strict=True)
        except (KmcError, MemoryError):
            raise
        except Exception as error:  # Pillow's readers may raise anything on damaged files
            raise KmcInputError(f"frame {image.tell()}: {fault_of(error)}") from error
        return SourceFrames(images, durations, loop_of(image))


def _check(count: int, width: int, height: int, limit: int) -> None:
    if count * width * height > limit:
        raise KmcLimitError(
            f"{count:,} frames of {width:,} x {height:,} pixels exceed the limit of "
            f"{limit:,} pixels"
        )


def _check_patches(sizes: Iterable[tuple[int, int]], limit: int) -> None:
    total = sum(width * height for width, height in sizes)
    if total > limit:
        raise KmcLimitError(f"the frames have {total:,} pixels, more than the limit of {limit:,}")
