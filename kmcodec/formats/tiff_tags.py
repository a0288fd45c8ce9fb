"""Read the layout of TIFF files, and the tags that labels keep.

Pillow converts the values of tags and knows no 64-bit samples; this module reads the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from kmcodec.container.class_sections import SIZES, TAGS
from kmcodec.model.label_classes import TiffTag

__all__ = ["TiffPage", "tiff_pages"]

_MOST_PAGES = 65_536
_MOST_ENTRIES = 4096
_MOST_DATA = 1 << 24  # more bytes than a section of metadata holds

# Tags of the layout.
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 254, 256, 257, 258, 262
_DESCRIPTION, _ORIENTATION, _SAMPLES, _FORMAT = 270, 274, 277, 339
_REDUCED_OR_MASK = 1 | 4
# Bytes and letter of an integer, by type.
_INTEGERS = {1: (1, "B"), 3: (2, "H"), 4: (4, "I"), 16: (8, "Q")}


@dataclass(frozen=True)
class TiffPage:
    """A page of a file.

    Parameters
    ----------
    width, height : int
    bits : int
        Of a sample.
    samples : int
        Of a pixel.
    photometric : int
        0 and 1 for greys, 3 for entries of a palette.
    format : int
        1 for unsigned integers, 2 for signed ones, 3 for floats.
    orientation : int
        1 for upright pages.
    is_extra : bool
        Whether it is a smaller copy or a mask of another page.
    description : bytes
    tags : mapping of int to TiffTag
        Those of `TAGS`; of the first page only.
    """

    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    format: int
    orientation: int
    is_extra: bool
    description: bytes = b""
    tags: Mapping[int, TiffTag] = field(default_factory=dict)


def tiff_pages(data: bytes) -> list[TiffPage]:
    """Return the pages of a TIFF or BigTIFF file.

    Raises
    ------
    ValueError
        If its directories are damaged, or more than 65,536.
    """
    try:
        return _Reader(data).pages()
    except (struct.error, KeyError, IndexError, OverflowError) as error:
        raise ValueError("damaged or truncated TIFF") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = {b"II": "<", b"MM": ">"}[data[:2]]
        (version,) = struct.unpack_from(f"{self._order}H", data, 2)
        self._is_big = version == 43
        # The words for the number of entries, and for counts and offsets.
        self._number, self._word = ("Q", "Q") if self._is_big else ("H", "I")
        self._entry = struct.Struct(f"{self._order}HH{self._word}")

    def pages(self) -> list[TiffPage]:
        size = struct.calcsize(f"<{self._word}")
        (at,) = self._unpack(self._word, 8 if self._is_big else 4)
        pages: list[TiffPage] = []
        seen: set[int] = set()
        while at:
            if at in seen or len(pages) >= _MOST_PAGES:
                raise ValueError("the directories of the TIFF form a circle, or are too many")
            seen.add(at)
            (count,) = self._unpack(self._number, at)
            if count > _MOST_ENTRIES:
                raise ValueError("a directory of the TIFF has too many entries")
            begin = at + struct.calcsize(f"<{self._number}")
            step = self._entry.size + size
            pages.append(self._page([begin + i * step for i in range(count)], not pages))
            (at,) = self._unpack(self._word, begin + count * step)
        return pages

    def _page(self, entries: list[int], is_first: bool) -> TiffPage:
        places = {self._unpack("H", at)[0]: at for at in entries}

        def number(tag: int, default: int) -> int:
            return self._integer(places[tag]) if tag in places else default

        kept = TAGS if is_first else ()
        tags = {tag: self._tag(tag, places[tag]) for tag in kept if tag in places}
        description = places.get(_DESCRIPTION)
        return TiffPage(
            width=number(_WIDTH, 0),
            height=number(_HEIGHT, 0),
            bits=number(_BITS, 1),
            samples=number(_SAMPLES, 1),
            photometric=number(_PHOTOMETRIC, 1),
            format=number(_FORMAT, 1),
            orientation=number(_ORIENTATION, 1),
            is_extra=bool(number(_SUBFILE, 0) & _REDUCED_OR_MASK),
            description=self._bytes(description, 1) if description and is_first else b"",
            tags={tag: found for tag, found in tags.items() if found is not None},
        )

    def _integer(self, at: int) -> int:
        """Return the first value of an entry."""
        _, type_, _ = self._entry.unpack_from(self._data, at)
        size, letter = _INTEGERS[type_]
        return int(self._unpack(letter, self._place(at, size))[0])

    def _tag(self, number: int, at: int) -> TiffTag | None:
        """Return a tag that labels keep; None if it has another type, or no values."""
        _, type_, count = self._entry.unpack_from(self._data, at)
        if type_ != TAGS[number][0] or not count:
            return None
        size = SIZES[type_]
        data = self._bytes(at, size)
        if size > 1:
            letter = "u2" if size == 2 else "u8"  # the bits of a double
            data = np.frombuffer(data, self._order + letter).astype("<" + letter).tobytes()
        return TiffTag(number, type_, data)

    def _bytes(self, at: int, size: int) -> bytes:
        _, _, count = self._entry.unpack_from(self._data, at)
        begin = self._place(at, size)
        if count * size > min(_MOST_DATA, len(self._data) - begin):
            raise ValueError("a tag of the TIFF is longer than the file, or too long")
        return self._data[begin : begin + count * size]

    def _place(self, at: int, size: int) -> int:
        """Return where the values of an entry are: in it if they fit, else at an offset."""
        _, _, count = self._entry.unpack_from(self._data, at)
        inside = at + self._entry.size
        if count * size <= struct.calcsize(f"<{self._word}"):
            return inside
        return int(self._unpack(self._word, inside)[0])

    def _unpack(self, letter: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + letter, self._data, at)
