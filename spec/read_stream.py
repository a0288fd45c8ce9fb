"""Label streams (labels.md, section 10): the second reader, written from the text.

Python standard library only, and beside this file those of the second reader of files.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))  # it need not be there already
from read_input import Input, check_crc, refuse
from read_kmc import CODERS, decode_strip
from read_label_table import read_kind, read_values
from read_ramp import ramp

WHAT = "label stream"


@dataclass
class Stream:
    dtype: str  # as NumPy writes it
    shape: list[int]
    labels: list[int]  # the slowest axis first


def read_stream(data: bytes, most: int) -> Stream:
    """Read a stream of at most `most` labels; raises Refused."""
    if len(data) < 4:
        refuse(WHAT, 0, "truncated")
    check_crc(int.from_bytes(data[-4:], "little"), data[:-4], WHAT, len(data) - 4)
    source = Input(data[:-4])
    version, coding = source.take(2, WHAT)
    if version != 1 or coding > max(CODERS):
        refuse(WHAT, 0, f"version {version}, method {coding}: not supported")
    dtype, shape = read_kind(source, WHAT)
    axes = len(shape)
    front = source.take(1, WHAT)[0] if axes > 2 else 0
    size = math.prod(shape)
    if size == 0 or size > most or front >= max(1, axes):
        refuse(WHAT, source.at, f"{size} labels, axis {front} first")
    values = read_values(source, dtype, WHAT)
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
    return Stream(dtype, shape, labels)
