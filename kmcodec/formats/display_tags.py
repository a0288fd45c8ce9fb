"""Read how a file wants its pixels shown: the colour profile, and tags that cannot be kept."""

from __future__ import annotations

from PIL import Image

from kmcodec.errors import KmcLossWarning, KmcWarning, warn
from kmcodec.formats.cicp import colors_by, describing_profile, named
from kmcodec.formats.file_facts import facts_of
from kmcodec.formats.png_tags import png_facts_left_out, png_profile, png_tags_left_out

__all__ = ["profile_in", "warn_of_tags_left_out"]

_GREY_MODES = ("1", "L", "LA", "La", "I", "F")
_SRGB, _UNSPECIFIED = (1, 13), 2
_TIFF_COLORS = {301: "transfer function", 318: "white point", 319: "primaries"}


def profile_in(image: Image.Image) -> object:
    """Return an image's ICC profile, or one made from other tags of a PNG or an AVIF."""
    if image.format == "PNG":
        return png_profile(image.info, facts_of(image).chunks, grey=_is_grey(image))
    if own := image.info.get("icc_profile"):
        return own
    facts = facts_of(image)
    colors = colors_by(_specified(facts.cicp))
    if facts.icc or colors is None:
        return facts.icc or None
    return describing_profile(*colors, f"from {image.format}", grey=_is_grey(image))


def warn_of_tags_left_out(image: Image.Image) -> None:
    """Warn once of all display tags of a file that a `.kmc` cannot hold.

    Warns
    -----
    KmcLossWarning
        If any of them changes how the pixels look.
    KmcWarning
        If none does.
    """
    facts: list[str] = []
    if image.format == "PNG":
        chunks = facts_of(image).chunks
        lost = png_tags_left_out(image.info, chunks, grey=_is_grey(image))
        facts = png_facts_left_out(chunks)
    else:
        lost = _left_out(image)
    if lost or facts:
        words = f"dropped {', '.join(lost + facts)}"
        warn(words, KmcLossWarning if lost else KmcWarning)


def _left_out(image: Image.Image) -> list[str]:
    facts = facts_of(image)
    lost = list(facts.unkept)
    cicp = _specified(facts.cicp)
    if cicp and colors_by(cicp) is None and not (image.info.get("icc_profile") or facts.icc):
        lost.insert(0, named("nclx", cicp))
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") == 0:
        across, down = image.info.get("jfif_density", (1, 1))
        if across != down and across and down:
            lost.append(f"pixel aspect ratio ({across}:{down})")
    elif image.format == "TIFF" and not image.info.get("icc_profile"):
        tags = getattr(image, "tag_v2", {})
        lost += [f"{name} (tag {tag})" for tag, name in _TIFF_COLORS.items() if tag in tags]
    return lost


def _specified(cicp: bytes) -> bytes:
    """Replace unspecified code points by those of sRGB, as browsers do."""
    pairs = zip(cicp, (*_SRGB, *cicp[2:]), strict=True) if cicp else ()
    return bytes(other if each == _UNSPECIFIED else each for each, other in pairs)


def _is_grey(image: Image.Image) -> bool:
    return image.mode in _GREY_MODES or image.mode.startswith("I;16")
