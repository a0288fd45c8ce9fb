"""Load an image file, and turn it upright."""

from __future__ import annotations

from PIL import Image, ImageOps

from kmcodec.errors import warn
from kmcodec.formats.resolution import is_turned_on_its_side, turn_aspect

__all__ = ["orientation_of", "turn_upright"]

_ORIENTATION = 0x0112


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 if it has none or is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF may raise anything; `turn_upright` warns of it
        return 1


def turn_upright(image: Image.Image, turned: bool) -> bool:
    """Turn a loaded image in place, as its EXIF orientation tells.

    Parameters
    ----------
    image : PIL.Image.Image
    turned : bool
        Whether Pillow has turned it on its side when it was loaded.

    Returns
    -------
    bool
        Whether rows of the file are columns of the image.

    Warns
    -----
    KmcWarning
        If the orientation is damaged.
    """
    try:
        if is_turned_on_its_side(image):
            turned = True
            turn_aspect(image)
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # damaged EXIF may raise anything; the pixels are still intact
        warn("damaged EXIF, ignored the orientation")
    return turned
