"""Label streams (labels.md, section 10): the second reader, written from the text.

Python standard library only, and beside this file those of the second reader of files.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))  # it need not be there already
from read_input import Input, check_crc, inflate, refuse
from read_kmc import CODERS, decode_strip
from read_palette import ramp

WHAT = "label stream"
MOST_VALUES, MOST_AXES = 65_536, 32


@dataclass
class Stream:
    dtype: str  # as NumPy writes it
    shape: list[int]
    labels: list[int]  # the slowest axis first


DTYPES = ["|b1", "|i1", "|u1"]
DTYPES += [f"{order}{kind}{size}" for size in (2, 4, 8) for order in "<>" for kind in "iu"]


def number(source: Input) -> int:
    value = bits = 0
    while True:
        byte = source.take(1, WHAT)[0]
        value |= (byte & 127) << bits
        bits += 7
        if byte < 128:
            break
        if bits > 63:
            refuse(WHAT, source.at, "a number of more than ten bytes")
    if value >= 2**64 or (byte == 0 and bits > 7):
        refuse(WHAT, source.at, "a number that is too large, or takes too many bytes")
    return value


def read_values(source: Input, dtype: str) -> list[int]:
    bits = 1 if dtype == "|b1" else 8 * int(dtype[2:])
    least = -(2 ** (bits - 1)) if dtype[1] == "i" else 0
    count = number(source) + 1
    value = least + number(source)
    form = source.take(1, WHAT)[0]
    size = form & 15
    if count > MOST_VALUES or size > 8 or form & 0xE0:
        refuse(WHAT, source.at, "too many values, or a form that is not known")
    length = size * (count - 1)
    if form & 16:
        packed = source.take(number(source), WHAT)
        planes = inflate(packed, length, WHAT, source.at)
    else:
        planes = source.take(length, WHAT)
    if len(planes) != length:
        refuse(WHAT, source.at, f"{len(planes)} bytes of gaps, {length} expected")
    values = [value]
    for i in range(count - 1):
        gap = sum(planes[i + plane * (count - 1)] << 8 * plane for plane in range(size))
        values.append(values[-1] + gap + 1)
    if values[-1] >= least + 2**bits:
        refuse(WHAT, source.at, f"the value {values[-1]} is not in {dtype}")
    return values


def read_stream(data: bytes, most: int) -> Stream:
    """Read a stream of at most `most` labels; raises Refused."""
    if len(data) < 4:
        refuse(WHAT, 0, "truncated")
    check_crc(int.from_bytes(data[-4:], "little"), data[:-4], WHAT, len(data) - 4)
    source = Input(data[:-4])
    version, coding, kind, axes = source.take(4, WHAT)
    if version != 1 or coding > max(CODERS):
        refuse(WHAT, 0, f"version {version}, method {coding}: not supported")
    if kind >= len(DTYPES) or axes > MOST_AXES:
        refuse(WHAT, 2, f"dtype {kind}, {axes} axes")
    shape = [number(source) for _ in range(axes)]
    front = source.take(1, WHAT)[0] if axes > 2 else 0
    size = math.prod(shape)
    if size == 0 or size > most or front >= max(1, axes):
        refuse(WHAT, source.at, f"{size} labels, axis {front} first")
    values = read_values(source, DTYPES[kind])
    moved = [front, *(axis for axis in range(axes) if axis != front)] if axes else []
    width = shape[moved[-1]] if axes else 1
    payload = source.take(source.left(), WHAT)
    rows = decode_strip(payload, size // width, width, coding, ramp(len(values)), WHAT, source.at)
    flat = [values[index] for row in rows for index in row]
    steps = {axis: math.prod(shape[a] for a in moved[i + 1 :]) for i, axis in enumerate(moved)}
    labels = []
    for at in range(size):  # of the array as it was; where does it stand in `flat`?
        place_in_flat = 0
        for axis in reversed(range(axes)):
            at, i = divmod(at, shape[axis])
            place_in_flat += i * steps[axis]
        labels.append(flat[place_in_flat])
    return Stream(DTYPES[kind], shape, labels)
