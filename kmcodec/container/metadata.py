"""Convert metadata to sections and back (spec/kmc-1.md, section 7)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from kmcodec.container.class_sections import (
    classes_from_data,
    data_from_classes,
    data_from_tags,
    tags_from_data,
)
from kmcodec.container.label_section import data_from_labels, labels_from_data
from kmcodec.container.layout import MAX_SECTIONS, Section
from kmcodec.errors import KmcFormatError, KmcInputError, KmcLimitError
from kmcodec.model.image import Metadata
from kmcodec.model.limits import DEFAULT_MAX_METADATA

__all__ = ["is_keyword", "metadata_from_sections", "sections_from_metadata"]

MAX_DATA = 1 << 24
"""The most bytes of a section's data, decompressed."""


_FIELD_OF_TYPE = {
    "iccp": "icc",
    "exif": "exif",
    "xmpp": "xmp",
    "labl": "labels",
    "clas": "classes",
    "tiff": "tiff",
}
# Of the types that describe labels, how the data are made and read.
_MADE: dict[str, Callable[[Any], bytes]] = {
    "labl": data_from_labels,
    "clas": data_from_classes,
    "tiff": data_from_tags,
}
_READ: dict[str, Callable[[bytes], Any]] = {
    "labl": labels_from_data,
    "clas": classes_from_data,
    "tiff": tags_from_data,
}
_STORED, _ZLIB = 0, 1
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def is_keyword(keyword: str) -> bool:
    """Return True for a valid keyword: 1 to 79 bytes of UTF-8 without control characters."""
    try:
        size = len(keyword.encode())
    except UnicodeEncodeError:
        return False
    return 1 <= size <= 79 and not _CONTROL.search(keyword)


def sections_from_metadata(metadata: Metadata) -> list[Section]:
    """Return the sections that hold `metadata`, each deflated if that makes it smaller.

    Raises
    ------
    KmcInputError
        If an item is longer than 16 MiB, a text or keyword cannot be written, or the metadata need
        more than 1,024 sections.
    """
    sections = []
    for type_, field in _FIELD_OF_TYPE.items():
        if value := getattr(metadata, field):
            sections.append(_section(type_, _MADE.get(type_, bytes)(value)))
    for keyword, text in metadata.text.items():
        if not is_keyword(keyword):
            raise KmcInputError(
                f"{keyword!r} is not a keyword: must be 1 to 79 bytes of UTF-8 without control "
                "characters"
            )
        try:
            data = f"{keyword}\0{text}".encode()
        except UnicodeEncodeError:
            raise KmcInputError(f"the text of {keyword!r} is not valid Unicode") from None
        sections.append(_section("text", data))
    if len(sections) > MAX_SECTIONS:
        raise KmcInputError(
            f"{len(metadata.text):,} texts exceed the limit of {MAX_SECTIONS:,} "
            "sections of metadata"
        )
    return sections


def metadata_from_sections(
    sections: Iterable[Section], max_metadata: int | None = DEFAULT_MAX_METADATA
) -> Metadata:
    """Return the metadata of known sections; skip unknown optional ones.

    Parameters
    ----------
    sections : iterable of Section
    max_metadata : int or None
        The most bytes of data in all sections, decompressed.

    Raises
    ------
    KmcFormatError
        If a required section is unknown, a unique one occurs twice, or one is malformed.
    KmcLimitError
        If the data exceed `max_metadata`.
    """
    found: dict[str, Any] = {}
    text: dict[str, str] = {}
    total = 0
    for section in sections:
        name = f"section {section.type}"
        field = _FIELD_OF_TYPE.get(section.type)
        if field in found:
            raise KmcFormatError(f"{name} occurs twice", offset=section.offset)
        if field or section.type == "text":
            most = MAX_DATA if max_metadata is None else min(MAX_DATA, max_metadata - total)
            data = _data(section, most)
            total += len(data)
        if field:
            try:
                found[field] = _READ.get(section.type, bytes)(data)
            except ValueError as error:
                raise KmcFormatError(f"{name}: {error}", offset=section.offset) from None
        elif section.type == "text":
            keyword, value = _keyword_and_text(section, data)
            if keyword in text:
                raise KmcFormatError(f"{name}: {keyword!r} occurs twice", offset=section.offset)
            text[keyword] = value
        elif section.required:
            raise KmcFormatError(
                f"{name} is required to read the file, but unknown to this version",
                offset=section.offset,
            )
    return Metadata(text=text, **found)


def _section(type_: str, data: bytes) -> Section:
    if len(data) > MAX_DATA:
        raise KmcInputError(
            f"{type_} metadata has {len(data):,} bytes, must be at most {MAX_DATA:,}"
        )
    deflated = zlib.compress(data, 9)
    if len(deflated) < len(data):
        return Section(type_, bytes([_ZLIB]) + deflated)
    return Section(type_, bytes([_STORED]) + data)


def _data(section: Section, most: int) -> bytes:
    """Return the data of a section, decompressing at most one byte more than the limit."""

    def fault(what: str) -> KmcFormatError:
        return KmcFormatError(f"section {section.type}: {what}", offset=section.offset)

    storage, data = section.payload[:1], section.payload[1:]
    if storage == bytes([_ZLIB]):
        inflater = zlib.decompressobj()
        try:
            data = inflater.decompress(data, most + 1)
        except zlib.error:
            raise fault("the zlib stream is damaged") from None
        if len(data) <= most and (not inflater.eof or inflater.unused_data):
            raise fault("the zlib stream does not end where the section does")
    elif storage != bytes([_STORED]):
        raise fault("its storage is neither 0 nor 1")
    if len(data) > most and most < MAX_DATA:
        raise KmcLimitError("the metadata exceed the limit (raise max_metadata)")
    if not 1 <= len(data) <= MAX_DATA:
        raise fault(f"it holds no data, or more than {MAX_DATA:,} bytes")
    return data


def _keyword_and_text(section: Section, data: bytes) -> tuple[str, str]:
    keyword, separator, text = data.partition(b"\0")
    try:
        name, value = keyword.decode(), text.decode()
    except UnicodeDecodeError:
        raise KmcFormatError("section text: not UTF-8", offset=section.offset) from None
    if not separator or not is_keyword(name):
        raise KmcFormatError("section text: the keyword is malformed", offset=section.offset)
    return name, value
