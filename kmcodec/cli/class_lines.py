"""Show the classes of labels and their TIFF tags."""

from __future__ import annotations

from typing import Any

from kmcodec.container.class_sections import TAGS
from kmcodec.model.image import Metadata
from kmcodec.model.label_classes import LabelClasses

__all__ = ["classes_as_dict", "classes_in_words"]

_MOST_LINES = 256


def classes_as_dict(metadata: Metadata) -> dict[str, Any]:
    """Return classes and tags as plain values for JSON; both null if there are none."""
    classes = metadata.classes
    told = None
    if classes is not None:
        told = {
            "nodata": classes.nodata,
            "names": dict(classes.names),
            "colors": {key: "#" + bytes(color).hex() for key, color in classes.colors.items()},
        }
    tags = {TAGS[tag.number][1]: tag.data.hex() for tag in metadata.tiff}
    return {"classes": told, "tiff": tags or None}


def classes_in_words(metadata: Metadata) -> list[str]:
    """Return a line for each class, up to 256, and one for the tags."""
    classes = metadata.classes or LabelClasses()
    lines = [] if classes.nodata is None else [f"no data    {classes.nodata}"]
    keys = sorted(classes.names.keys() | classes.colors.keys())
    for key in keys[:_MOST_LINES]:
        color = "#" + bytes(classes.colors[key]).hex() if key in classes.colors else ""
        lines.append(f"class      {key}: {' '.join(filter(None, (color, classes.names.get(key))))}")
    if len(keys) > _MOST_LINES:
        lines.append(f"class      ... and {len(keys) - _MOST_LINES:,} more")
    if metadata.tiff:
        lines.append(f"tags       {', '.join(TAGS[tag.number][1] for tag in metadata.tiff)}")
    return lines
