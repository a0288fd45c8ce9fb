"""The bytes of a KMC 1 file, their CRCs and zlib streams: what all parts of the reader need.

"Section" in a comment is a section of kmc-1.md. Python standard library only.
"""

from __future__ import annotations

import zlib
from typing import NoReturn


class Refused(ValueError):  # noqa: N818 - the word of the specification
    """The file does not conform, or is larger than the limits given to the reader."""


def refuse(part: str, at: int, problem: str) -> NoReturn:
    raise Refused(f"{part}, byte {at}: {problem}")


def check_crc(found: int, covered: bytes, part: str, at: int) -> None:
    if found != zlib.crc32(covered):
        refuse(part, at, f"CRC {found:08X} found, {zlib.crc32(covered):08X} expected")


class Input:
    """The bytes of the file and a position; never gives fewer bytes than asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int, part: str) -> bytes:
        if count > self.left():
            refuse(part, self.at, f"truncated: {count} bytes expected, {self.left()} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def u32(self, part: str) -> int:
        return int.from_bytes(self.take(4, part), "little")


def inflate(stream: bytes, limit: int, part: str, at: int) -> bytes:  # section 1
    """Decompress one zlib stream to at most `limit` bytes; it must fill its field."""
    machine = zlib.decompressobj()
    try:
        result = machine.decompress(stream, limit + 1)
    except zlib.error as error:
        refuse(part, at, f"bad zlib stream: {error}")
    if len(result) > limit:
        refuse(part, at, f"the zlib stream holds more than {limit} bytes")
    if not machine.eof or machine.unused_data:
        refuse(part, at, f"the zlib stream does not end after {len(stream)} bytes")
    return result
