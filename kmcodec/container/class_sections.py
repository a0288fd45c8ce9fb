"""Convert classes of labels and TIFF tags to the data of sections and back (spec/classes.md)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import pairwise

from kmcodec.errors import KmcInputError
from kmcodec.model.label_classes import MOST_CLASSES, LabelClasses, TiffTag, is_class_name

__all__ = ["TAGS", "classes_from_data", "data_from_classes", "data_from_tags", "tags_from_data"]

TAGS = {
    320: (3, "ColorMap"),
    33550: (12, "ModelPixelScale"),
    33922: (12, "ModelTiepoint"),
    34264: (12, "ModelTransformation"),
    34735: (3, "GeoKeyDirectory"),
    34736: (12, "GeoDoubleParams"),
    34737: (2, "GeoAsciiParams"),
    42112: (2, "GDAL_METADATA"),
    42113: (2, "GDAL_NODATA"),
}
"""The type and the name of each tag that a file may keep."""

SIZES = {2: 1, 3: 2, 12: 8}
"""Bytes of a value, by type."""

_HEAD = struct.Struct("<HHI")
_ID = r"0|-?[1-9][0-9]{0,19}"
_NODATA = re.compile(rf"nodata ({_ID})")
_CLASS = re.compile(
    rf"(?P<id>{_ID}) (?P<color>-|#(?:[0-9a-f]{{2}}){{3,4}})(?: (?P<name>.+))?", re.DOTALL
)


def data_from_classes(classes: LabelClasses) -> bytes:
    """Return the data of a section `clas`."""
    lines = [] if classes.nodata is None else [f"nodata {classes.nodata}"]
    for key in sorted(classes.names.keys() | classes.colors.keys()):
        color = bytes(classes.colors.get(key, ())).hex()
        name = classes.names.get(key)
        lines.append(f"{key} {'#' + color if color else '-'}" + (f" {name}" if name else ""))
    return "".join(f"{line}\n" for line in lines).encode()


def classes_from_data(data: bytes) -> LabelClasses:
    """Return the classes in the data of a section `clas`.

    Raises
    ------
    ValueError
        If the data are malformed.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    *lines, rest = text.split("\n", MOST_CLASSES + 2)
    if rest:
        raise ValueError(f"more than {MOST_CLASSES:,} classes, or no end of the last line")
    nodata = _NODATA.fullmatch(lines[0])
    names: dict[int, str] = {}
    colors: dict[int, tuple[int, ...]] = {}
    before: int | None = None
    for line in lines[1:] if nodata else lines:
        key, color, name = _class_in(line)
        if before is not None and key <= before:
            raise ValueError(f"id {key} does not follow {before} in ascending order")
        before = key
        if color:
            colors[key] = color
        if name:
            names[key] = name
    try:
        return LabelClasses(names, colors, int(nodata[1]) if nodata else None)
    except KmcInputError as error:
        raise ValueError(str(error)) from None


def _class_in(line: str) -> tuple[int, tuple[int, ...], str | None]:
    found = _CLASS.fullmatch(line)
    if found is None or (found["color"] == "-" and not found["name"]):
        raise ValueError(f"{line[:40]!r} is not an id with a colour or a name")
    if found["name"] and not is_class_name(found["name"]):
        raise ValueError(f"{line[:40]!r}: the name is malformed")
    return int(found["id"]), tuple(bytes.fromhex(found["color"][1:])), found["name"]


def data_from_tags(tags: tuple[TiffTag, ...]) -> bytes:
    """Return the data of a section `tiff`.

    Raises
    ------
    KmcInputError
        If a tag is none of `TAGS`, of another type or without values, or occurs twice.
    """
    parts = []
    for tag in sorted(tags, key=lambda tag: tag.number):
        count, rest = divmod(len(tag.data), SIZES.get(tag.type, 1))
        if tag.number not in TAGS or TAGS[tag.number][0] != tag.type or rest or not count:
            raise KmcInputError(f"cannot keep TIFF tag {tag.number} of type {tag.type}")
        parts.append(_HEAD.pack(tag.number, tag.type, count) + tag.data)
    if len({tag.number for tag in tags}) < len(tags):
        raise KmcInputError("a TIFF tag occurs twice")
    return b"".join(parts)


def tags_from_data(data: bytes) -> tuple[TiffTag, ...]:
    """Return the tags in the data of a section `tiff`.

    Raises
    ------
    ValueError
        If the data are malformed.
    """
    tags = tuple(_tags_in(data))
    numbers = [tag.number for tag in tags]
    if any(after <= before for before, after in pairwise(numbers)):
        raise ValueError("the tags do not ascend")
    return tags


def _tags_in(data: bytes) -> Iterator[TiffTag]:
    at = 0
    while at < len(data):
        if len(data) - at < _HEAD.size:
            raise ValueError("a tag is truncated")
        number, type_, count = _HEAD.unpack_from(data, at)
        if number not in TAGS or TAGS[number][0] != type_:
            raise ValueError(f"tag {number} of type {type_} must not occur")
        begin, at = at + _HEAD.size, at + _HEAD.size + count * SIZES[type_]
        if not count or at > len(data):
            raise ValueError(f"tag {number} has no values, or more than the section holds")
        yield TiffTag(number, type_, data[begin:at])
