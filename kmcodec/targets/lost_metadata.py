"""Find the metadata that a written file lacks."""

from __future__ import annotations

import io
import warnings

from PIL import Image

from kmcodec.errors import warn
from kmcodec.formats.pillow_images import metadata_from_pillow
from kmcodec.formats.resolution import is_resolution_only
from kmcodec.model.image import Metadata

__all__ = ["warn_of_lost_metadata"]

_NAMES = {"icc": "ICC profile", "exif": "EXIF", "xmp": "XMP"}


def warn_of_lost_metadata(data: bytes, metadata: Metadata, format_: str) -> None:
    """Warn of metadata that a format cannot hold; most writers drop them silently.

    Parameters
    ----------
    data : bytes
        The written file.
    metadata : Metadata
        The metadata that it should hold.
    format_ : str
        Pillow's name of the format. PNG, which holds all metadata but those of labels, never warns.

    Warns
    -----
    KmcWarning
        If any are missing.
    """
    if not metadata or format_ == "PNG":
        return
    kept = _metadata_in(data)
    lost = [
        name for part, name in _NAMES.items() if getattr(metadata, part) and not getattr(kept, part)
    ]
    if metadata.exif:
        plain = is_resolution_only(metadata.exif)
        if "EXIF" in lost and plain:
            lost[lost.index("EXIF")] = "resolution"
        elif kept.exif and is_resolution_only(kept.exif) and not plain:
            lost.insert(lost[:1].count(_NAMES["icc"]), "EXIF")
    if any(keyword not in kept.text for keyword in metadata.text):
        lost.append("texts")
    if metadata.labels is not None:
        lost.append("labels")
    if lost:
        words = f"dropped metadata that {format_} cannot hold: {', '.join(lost)}"
        warn(words)


def _metadata_in(data: bytes) -> Metadata:
    try:
        with warnings.catch_warnings():
            # Oddities of a file that was just written are not worth a warning.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as opened:
                return metadata_from_pillow(opened)
    except Exception:  # write-only formats, such as PDF, hold none
        return Metadata()
