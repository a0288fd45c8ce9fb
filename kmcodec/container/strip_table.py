"""A compact table of strips, 16 bytes each: a file may have millions of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from kmcodec.container.header import Header
from kmcodec.container.layout import Strip

__all__ = ["StripTable"]


class StripTable(Sequence[Strip]):
    """The strips of a file, in order; each `Strip` is created on access.

    Parameters
    ----------
    header : Header
        Of the file.
    strips : iterable of Strip
        All strips, from number 0 on.
    """

    def __init__(self, header: Header, strips: Iterable[Strip]) -> None:
        self._header = header
        self._offsets, self._lengths, self._crcs = array("Q"), array("I"), array("I")
        for strip in strips:
            self._offsets.append(strip.offset)
            self._lengths.append(strip.length)
            self._crcs.append(strip.crc)

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, number: int) -> Strip: ...

    @overload
    def __getitem__(self, number: slice) -> tuple[Strip, ...]: ...

    def __getitem__(self, number: int | slice) -> Strip | tuple[Strip, ...]:
        """Return the strip with a number, or the strips of a slice."""
        chosen = range(len(self))[number]
        if isinstance(chosen, range):
            return tuple(map(self._strip, chosen))
        return self._strip(chosen)

    def __iter__(self) -> Iterator[Strip]:
        return map(self._strip, range(len(self)))

    @property
    def payload_size(self) -> int:
        """Bytes of all payloads."""
        return sum(self._lengths)

    def _strip(self, number: int) -> Strip:
        return Strip(
            number,
            self._header.rows_of(number),
            self._offsets[number],
            self._lengths[number],
            self._crcs[number],
            number // self._header.strip_count,
        )
