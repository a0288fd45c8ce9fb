"""Read frames of Pillow images, with their durations and loop counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from kmcodec.animation.value import DEFAULT_DURATION
from kmcodec.model.image import MAX_COLORS, IndexedImage, index_dtype
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.model.palette_order import dark_to_bright
from kmcodec.model.pixels import channels_for_all, to_channels
from kmcodec.quantizer import ImageLike, is_indexed, quantize

__all__ = ["ANIMATED", "frames_of", "gif_loop", "loop_of", "with_palettes"]

ANIMATED = frozenset({"AVIF", "GIF", "KMC", "PNG", "WEBP"})
"""Formats whose frames are animations; other formats have pages, layers or sizes."""

# The most entries in a palette of a GIF.
_MOST_IN_GIF = 256


def frames_of(image: Image.Image) -> list[tuple[Image.Image | IndexedImage, int]]:
    """Return all frames of an image, each with its duration in milliseconds.

    Parameters
    ----------
    image : PIL.Image.Image

    Returns
    -------
    list of tuple
        Frames, as `IndexedImage` where the file has palettes but Pillow gives RGB; and their
        durations, `DEFAULT_DURATION` where the file has none.
    """
    frames: list[Image.Image | IndexedImage] = []
    durations = []
    for frame in ImageSequence.Iterator(image):
        frames.append(frame.copy())
        # After the copy: Pillow sets the duration of a WebP frame when it decodes it.
        durations.append(round(frame.info.get("duration", DEFAULT_DURATION)))
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
        if getattr(image, "default_image", False):
            # The still picture for other viewers is not a frame.
            del frames[0], durations[0]
    pictures = [frame for frame in frames if isinstance(frame, Image.Image)]
    if image.format == "GIF" and not all(map(is_indexed, frames)):
        # Pillow converts all but the first frame of a GIF to RGB, as they may be patches.
        frames = list(with_palettes(frames))
    elif image.format == "WEBP" and all(map(_is_opaque, pictures)):
        # WebP encoders store frames as patches, which gives alpha to opaque animations.
        frames = [frame.convert("RGB") for frame in pictures]
    return list(zip(frames, durations, strict=True))


def with_palettes(frames: Iterable[ImageLike]) -> Iterator[IndexedImage]:
    """Yield frames with palettes; runs of frames share one while it stays small enough."""
    run: list[IndexedImage] = []
    united = np.zeros(0, np.uint32)
    for frame in frames:
        indexed = frame
        if not isinstance(indexed, IndexedImage):
            indexed = quantize(frame, None if is_indexed(frame) else MAX_COLORS, reorder=True)
        colors = np.unique(keys_of(to_channels(indexed.palette, 4)))
        more = np.union1d(united, colors)
        if run and len(more) > max(_MOST_IN_GIF, len(united), len(colors)):
            yield from _united(run, united)
            run, more = [], colors
        run.append(indexed)
        united = more
    yield from _united(run, united)


def _united(run: Sequence[IndexedImage], codes: NDArray[np.uint32]) -> list[IndexedImage]:
    """Return frames with all these colours as their palette, from dark to bright."""
    colors = colors_of(codes, 4)
    palette = to_channels(colors, channels_for_all(frame.channels for frame in run))
    order = dark_to_bright(palette)
    places = np.argsort(order)
    made = []
    for frame in run:
        entries = places[np.searchsorted(codes, keys_of(to_channels(frame.palette, 4)))]
        entries = entries.astype(index_dtype(len(codes)))
        made.append(IndexedImage(palette[order], entries[frame.indices], frame.metadata))
    return made


def _is_opaque(frame: Image.Image) -> bool:
    return frame.mode == "RGBA" and frame.getchannel("A").getextrema() == (255, 255)


def loop_of(image: Image.Image) -> int:
    """Return how often an image's frames are shown; 0 is forever, and the default but for GIF."""
    loop = int(image.info.get("loop", 1 if image.format == "GIF" else 0))
    # A GIF stores the number of repeats.
    return loop + 1 if image.format == "GIF" and loop and "loop" in image.info else loop


def gif_loop(loop: int) -> int | None:
    """Convert a loop count to the repeats that a GIF stores; None for none."""
    return None if loop == 1 else min(max(loop - 1, 0), 65_535)
