"""How an image file wants its pixels to be shown: its colour profile, and what cannot be kept."""

from __future__ import annotations

from PIL import Image

from kmcodec.errors import KmcLossWarning, KmcWarning, warn
from kmcodec.formats.png_chunks import png_chunks_of
from kmcodec.formats.png_tags import png_facts_left_out, png_profile, png_tags_left_out

__all__ = ["profile_in", "warn_of_tags_left_out"]

_GREY_MODES = ("1", "L", "LA", "La", "I", "F")
_TIFF_COLORS = {301: "transfer function", 318: "white point", 319: "primaries"}


def profile_in(image: Image.Image) -> object:
    """The ICC profile of an image, or one made of what a PNG says in other chunks."""
    if image.format == "PNG":
        return png_profile(image.info, png_chunks_of(image), grey=_is_grey(image))
    return image.info.get("icc_profile")


def warn_of_tags_left_out(image: Image.Image) -> None:
    """Name in one note what a file says of how to show its pixels and a `.kmc` cannot.

    Warns
    -----
    KmcLossWarning
        If anything of it changes how they look.
    KmcWarning
        If nothing does.
    """
    facts: list[str] = []
    if image.format == "PNG":
        chunks = png_chunks_of(image)
        lost = png_tags_left_out(image.info, chunks, grey=_is_grey(image))
        facts = png_facts_left_out(chunks)
    else:
        lost = _left_out(image)
    if lost or facts:
        words = f"left out: {', '.join(lost + facts)}"
        warn(words, KmcLossWarning if lost else KmcWarning)


def _left_out(image: Image.Image) -> list[str]:
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") == 0:
        across, down = image.info.get("jfif_density", (1, 1))
        if across != down and across and down:
            return [f"pixel aspect ratio ({across}:{down})"]
    elif image.format == "TIFF" and not image.info.get("icc_profile"):
        tags = getattr(image, "tag_v2", {})
        return [f"{name} (tag {tag})" for tag, name in _TIFF_COLORS.items() if tag in tags]
    return []


def _is_grey(image: Image.Image) -> bool:
    return image.mode in _GREY_MODES or image.mode.startswith("I;16")
