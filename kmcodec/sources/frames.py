"""Frames of Pillow images, with their durations and loop counts."""

from __future__ import annotations

from PIL import ExifTags, Image, ImageSequence

from kmcodec.animation import DEFAULT_DURATION
from kmcodec.image import MAX_COLORS, IndexedImage
from kmcodec.quantizer import is_indexed, quantize

__all__ = ["ANIMATED", "frames_of", "gif_loop", "loop_of"]

ANIMATED = frozenset({"AVIF", "GIF", "KMC", "PNG", "WEBP"})
"""Formats whose frames follow each other in time; those of others are pages, layers or sizes."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes images upright, by the orientation that EXIF asks for."""


def frames_of(
    image: Image.Image, *, upright: bool = False
) -> list[tuple[Image.Image | IndexedImage, int]]:
    """All frames of an image and how long each is shown, in milliseconds.

    Parameters
    ----------
    image : PIL.Image.Image
    upright : bool
        Whether to turn the frames as the image's EXIF asks for.

    Returns
    -------
    list of tuple
        Frames, `IndexedImage` where the file has palettes though Pillow shows its colours; and
        their durations, `DEFAULT_DURATION` where the file does not say.
    """
    shown: list[tuple[Image.Image | IndexedImage, int]] = []
    of_palettes = image.format == "GIF"
    turn = _turn_of(image) if upright else None
    for frame in ImageSequence.Iterator(image):
        copied = frame.copy() if turn is None else frame.transpose(turn)
        # Only now: Pillow tells that of a WebP's frame when it has decoded it.
        duration = round(frame.info.get("duration", DEFAULT_DURATION))
        if of_palettes and not is_indexed(copied):
            # Pillow brings frames of a GIF but the first to RGB, as they may be patches.
            shown.append((quantize(copied, MAX_COLORS), duration))
        else:
            shown.append((copied, duration))
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    pictures = [frame for frame, _ in shown if isinstance(frame, Image.Image)]
    if image.format == "WEBP" and all(map(_is_opaque, pictures)):
        # Its encoder makes patches of frames, and so gives alpha to animations that have none.
        return [
            (frame.convert("RGB"), time) for frame, (_, time) in zip(pictures, shown, strict=True)
        ]
    return shown


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF fails in any way; the pixels are no worse for it
        return None


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
