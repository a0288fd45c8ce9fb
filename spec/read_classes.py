"""The sections of classes.md in the second reader, written from that text alone.

"Section" in a comment is a section of classes.md. Python standard library only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from read_input import refuse

MOST = 65536  # lines that describe ids, section 1
SIZES = {320: (3, 2), 33550: (12, 8), 33922: (12, 8), 34264: (12, 8), 34735: (3, 2)}
SIZES |= {34736: (12, 8), 34737: (2, 1), 42112: (2, 1), 42113: (2, 1)}  # section 2


def read_classes(data: bytes, part: str, at: int) -> dict[str, Any]:  # section 1
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        refuse(part, at, f"not valid UTF-8: {error.reason}")
    if text[-1] != "\n":
        refuse(part, at, "the last line has no end")
    found: dict[str, Any] = {"nodata": None, "names": {}, "colors": {}}
    lines, last = text[:-1].split("\n"), None
    if lines[0].startswith("nodata "):
        found["nodata"] = read_id(lines.pop(0)[7:], part, at)
    if len(lines) > MOST:
        refuse(part, at, f"more than {MOST} lines describe ids")
    for line in lines:
        digits, space, rest = line.partition(" ")
        number = read_id(digits, part, at)
        if last is not None and number <= last:
            refuse(part, at, f"id {number} after {last}")
        last = number
        color, named, name = rest.partition(" ")
        if not space or not ((color == "-" and named) or is_color(color)):
            refuse(part, at, f"the colour of id {number} is malformed, or name and colour missing")
        if named:
            check_name(name, part, at)
            found["names"][digits] = name
        if color != "-":
            found["colors"][digits] = color[1:]
    return found


def read_id(digits: str, part: str, at: int) -> int:
    plain = digits.removeprefix("-")
    number = int(digits) if 1 <= len(plain) <= 20 and set(plain) <= set("0123456789") else None
    if number is None or str(number) != digits or not -(2**63) <= number < 2**64:
        refuse(part, at, f"{digits[:30]!a} is not an id")
    return number


def is_color(color: str) -> bool:
    return color[:1] == "#" and len(color) in (7, 9) and set(color[1:]) <= set("0123456789abcdef")


def check_name(name: str, part: str, at: int) -> None:
    if not 1 <= len(name.encode()) <= 255 or any(c < " " or "\x7f" <= c <= "\x9f" for c in name):
        refuse(part, at, f"the name {name[:30]!a} is malformed")


def read_tags(data: bytes, part: str, at: int) -> list[list[Any]]:  # section 2
    tags: list[list[Any]] = []
    while data:
        if len(data) < 8:
            refuse(part, at, "a tag is truncated")
        tag, kind, count = struct.unpack("<HHI", data[:8])
        if tag not in SIZES or SIZES[tag][0] != kind:
            refuse(part, at, f"tag {tag} of type {kind}")
        if tags and tag <= tags[-1][0]:
            refuse(part, at, f"tag {tag} after {tags[-1][0]}")
        size = count * SIZES[tag][1]
        if not 1 <= size <= len(data) - 8:
            refuse(part, at, f"tag {tag} has {count} values")
        tags.append([tag, kind, data[8 : 8 + size].hex()])
        data = data[8 + size :]
    return tags


READ: dict[bytes, Callable[[bytes, str, int], Any]] = {b"clas": read_classes, b"tiff": read_tags}
