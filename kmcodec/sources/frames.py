"""Frames of Pillow images, with their durations and loop counts."""

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
"""Formats whose frames follow each other in time; those of others are pages, layers or sizes."""

# What a palette of a GIF holds.
_MOST_IN_GIF = 256


def frames_of(image: Image.Image) -> list[tuple[Image.Image | IndexedImage, int]]:
    """All frames of an image and how long each is shown, in milliseconds.

    Parameters
    ----------
    image : PIL.Image.Image

    Returns
    -------
    list of tuple
        Frames, `IndexedImage` where the file has palettes though Pillow shows its colours; and
        their durations, `DEFAULT_DURATION` where the file does not say.
    """
    frames: list[Image.Image | IndexedImage] = []
    durations = []
    for frame in ImageSequence.Iterator(image):
        frames.append(frame.copy())
        # Only now: Pillow tells that of a WebP's frame when it has decoded it.
        durations.append(round(frame.info.get("duration", DEFAULT_DURATION)))
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
        if getattr(image, "default_image", False):
            # A picture for those who show no animations is no frame.
            del frames[0], durations[0]
    pictures = [frame for frame in frames if isinstance(frame, Image.Image)]
    if image.format == "GIF" and not all(map(is_indexed, frames)):
        # Pillow brings frames of a GIF but the first to RGB, as they may be patches.
        frames = list(with_palettes(frames))
    elif image.format == "WEBP" and all(map(_is_opaque, pictures)):
        # Its encoder makes patches of frames, and so gives alpha to animations that have none.
        frames = [frame.convert("RGB") for frame in pictures]
    return list(zip(frames, durations, strict=True))


def with_palettes(frames: Iterable[ImageLike]) -> Iterator[IndexedImage]:
    """Give frames their colours as palettes, one for several as long as these are few together."""
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
    """Frames with all these colours as their palette, from dark to bright."""
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
    """How often an image's frames are to be shown; 0 is forever, which is also the default."""
    loop = int(image.info.get("loop", 1 if image.format == "GIF" else 0))
    # A GIF says how often they are shown again.
    return loop + 1 if image.format == "GIF" and loop and "loop" in image.info else loop


def gif_loop(loop: int) -> int | None:
    """A loop count as a GIF has it; None for none."""
    return None if loop == 1 else min(max(loop - 1, 0), 65_535)
