"""Animations to the bytes of files of other formats: GIF, animated PNG, WebP and AVIF."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from kmcodec.animation import Animation
from kmcodec.errors import KmcInputError, KmcWarning
from kmcodec.formats.pillow_images import to_pillow
from kmcodec.image import IndexedImage
from kmcodec.sources.frames import ANIMATED, gif_loop
from kmcodec.sources.images import named_warnings
from kmcodec.targets.images import encode_image, fit_for_gif, format_of, metadata_options
from kmcodec.targets.lost_metadata import warn_of_lost_metadata

__all__ = ["encode_animation"]

_OPTIONS: dict[str, dict[str, Any]] = {
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "WEBP": {"lossless": True, "exact": True},
}


def encode_animation(animation: Animation, kind: str) -> bytes:
    """Encode an animation in the format of a file ending, fully in memory.

    Parameters
    ----------
    animation : Animation
        Of several frames.
    kind : str
        An ending, with the dot. Where the format holds no animations, the first frame is taken.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If the ending is unknown, or the format cannot hold the frames.

    Warns
    -----
    KmcWarning
        If frames, colours or metadata had to be left out.
    """
    ending = kind.lower()
    format_ = "" if ending in (".npy", ".mat") else format_of(ending)
    if format_ not in ANIMATED:
        text = f"{ending} file: {len(animation)} frames, the first is taken"
        warnings.warn(text, KmcWarning, stacklevel=2)
        return encode_image(animation[0], kind)
    with named_warnings(f"{ending} file"):
        frames = [animation[number] for number in range(len(animation))]
        if format_ == "GIF":
            frames = [fit_for_gif(_with_used_entries(frame)) for frame in frames]
        pictures = [to_pillow(frame) for frame in frames]
        for picture in pictures:
            # Some writers take all of `info` for options: only what belongs to the pixels stays.
            picture.info = {k: v for k, v in picture.info.items() if k == "transparency"}
        options = _OPTIONS.get(format_, {}) | metadata_options(animation.metadata, format_)
        options |= {"duration": list(animation.durations), "loop": animation.loop}
        if format_ == "GIF":
            options |= _gif_options(animation)
        stream = io.BytesIO()
        try:
            pictures[0].save(stream, format_, save_all=True, append_images=pictures[1:], **options)
        except Exception as error:  # each writer has its own way to refuse
            raise KmcInputError(
                f"{len(frames):,} frames cannot be written as {format_}: {error}"
            ) from error
        data = stream.getvalue()
        warn_of_lost_metadata(data, animation.metadata, format_)
        return data


def _gif_options(animation: Animation) -> dict[str, Any]:
    options: dict[str, Any] = {"loop": gif_loop(animation.loop)}
    if animation.palette.shape[1] in (2, 4):
        # What is clear in a frame is not to show the frame before.
        options["disposal"] = 2
    return options


def _with_used_entries(frame: IndexedImage) -> IndexedImage:
    """Leave unused entries out of a palette that is too long for a GIF."""
    if len(frame.palette) <= 256:
        return frame
    used, indices = np.unique(frame.indices, return_inverse=True)
    return IndexedImage(frame.palette[used], indices.reshape(frame.indices.shape), frame.metadata)
