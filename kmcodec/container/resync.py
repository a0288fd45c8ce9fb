"""Find intact strips of damaged files, even after a wrong length.

A strip's CRC covers its number and its length, so a right CRC identifies the strip. The work is
bounded: each byte is tried as the place of a frame at most twice, and CRCs cover at most about ten
times the size of the file plus 64 MiB.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kmcodec.container.layout import STRIP_FRAME_SIZE, Strip
from kmcodec.container.reader import ContainerReader
from kmcodec.errors import KmcFormatError

__all__ = ["intact_strips"]

_MISSING = 3  # consecutive strips that may be missing
_FOLLOWING = 2  # in large files, plausible frames that must follow before a CRC is tried
_GROUP = 1 << 20  # places to inspect at a time
_LEAST_EFFORT = 1 << 26
_TRIAL = 2048  # cost of a close inspection of a place, in bytes of a CRC


def intact_strips(container: ContainerReader, losses: list[str]) -> Iterator[tuple[Strip, bytes]]:
    """Yield the strips with right CRCs, and their payloads.

    Parameters
    ----------
    container : ContainerReader
    losses : list of str
        Receives a description of each damaged part.

    Yields
    ------
    strip : Strip
    payload : bytes
    """
    search = _Search(container)
    number, offset = 0, container.strips_offset
    while number < container.strip_count:
        strip, payload, fault = _attempt(container, number, offset)
        if strip and payload is not None:
            yield strip, payload
            number, offset = number + 1, strip.end
            continue
        place = search.next_place(number, offset, strip)
        if place:
            # This strip ends where the next begins, whatever length its frame gives.
            strip, payload, _ = _attempt(container, number, offset, place[1] - offset)
            if strip and payload is not None and place[0] == number + 1:
                losses.append(f"{strip.name}: its length is damaged, its rows are not")
                yield strip, payload
            else:
                losses.append(f"{fault}{_with_it(container, number, place[0])}")
            number, offset = place
        elif strip:
            losses.append(fault)
            number, offset = number + 1, strip.end
        else:
            losses.append(f"{fault}: all rows from there on are lost")
            return


def _attempt(
    container: ContainerReader, number: int, offset: int, size: int | None = None
) -> tuple[Strip | None, bytes | None, str]:
    """Return the strip at an offset, its payload and any fault; `size` includes the frame."""
    strip = None
    try:
        length = None if size is None else size - STRIP_FRAME_SIZE
        strip = container.strip_at(number, offset, length)
        return strip, container.payload(strip), ""
    except KmcFormatError as error:
        return strip, None, str(error)


def _with_it(container: ContainerReader, number: int, found: int) -> str:
    if found == number + 1:
        return ""
    if found >= container.header.strip_count:  # in a further scene
        return f"; strips {number + 1} to {found - 1} are lost with it"
    first, end = container.header.rows_of(number + 1)[0], container.header.rows_of(found)[0]
    return f"; rows {first} to {end - 1} are lost with it"


class _Search:
    """Search for the next intact strip."""

    def __init__(self, container: ContainerReader) -> None:
        header = container.header
        self._container = container
        self._effort = 8 * container.size + _LEAST_EFFORT
        # No coding takes more bytes than this, so larger lengths cannot be those of frames.
        width = header.width * max(scene.frames for scene in container.scenes)
        pixels = width * (header.rows_per_strip or header.height)
        self._longest = min(4 * pixels + 1024, container.size)
        # In random bytes, the bytes to read for the CRCs of all possible frames.
        at_random = container.size * self._longest**2 >> 33
        self._following = 0 if at_random < self._effort // 2 else _FOLLOWING

    def next_place(self, number: int, offset: int, strip: Strip | None) -> tuple[int, int] | None:
        """Return the number and offset of the first intact strip after one at `offset`."""
        numbers = range(number + 1, min(number + 2 + _MISSING, self._container.strip_count))
        if not numbers:
            return None
        # Most often only the payload is damaged.
        if strip and self._is_intact(numbers[0], strip.end):
            return numbers[0], strip.end
        for place in self._places(offset + 1):
            for candidate in numbers:
                if self._effort < 0:
                    return None
                if self._is_intact(candidate, place):
                    return candidate, place
        # No strip is left, so do not search again.
        self._effort = -1
        return None

    def _is_intact(self, number: int, offset: int) -> bool:
        strip, payload, _ = _attempt(self._container, number, offset)
        self._effort -= _TRIAL + (strip.length if strip else 0)
        return payload is not None

    def _places(self, start: int) -> Iterator[int]:
        """Yield the offsets from `start` on that may be those of a frame."""
        for begin in range(start, self._container.size, _GROUP):
            if self._effort < 0:
                return
            data = self._container.bytes_from(begin, _GROUP + 3)
            count = len(data) - 3
            if count <= 0:
                return
            lengths = np.ndarray(count, "<u4", data, strides=(1,))
            for place in np.flatnonzero((lengths > 0) & (lengths <= self._longest)).tolist():
                self._effort -= _TRIAL
                if self._effort < 0:
                    return
                if self._leads_on(begin + place):
                    yield begin + place

    def _leads_on(self, place: int) -> bool:
        """Return True if the bytes after a frame here look like frames or like the end."""
        for _ in range(1 + self._following):
            frame = self._container.bytes_from(place, STRIP_FRAME_SIZE)
            if place == self._container.size or (frame[:4].isalpha() and frame[:4].isascii()):
                return True  # the end of the file, or a section
            length = int.from_bytes(frame[:4], "little")
            if len(frame) < STRIP_FRAME_SIZE or not 0 < length <= self._longest:
                return False
            place += STRIP_FRAME_SIZE + length
        return place <= self._container.size
