"""Numbers that spec/labels.md quotes, made again by the second reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from test_additive_text import PALETTE, ROWS, Noting
from test_second_reader import reader

PLAIN = " ".join(
    (Path(__file__).resolve().parent.parent / "spec" / "labels.md").read_text("utf-8").split()
)
labels: Any = reader.read_labels


def noted(payload: bytes, h: int = 0) -> tuple[Noting, dict[tuple[int, int], list[str]]]:
    """Decode a coded strip, and note its decisions and, by pixel, the slots of each flag."""
    coder, places = Noting(payload), {}
    model = labels.Model(coder, len(PALETTE), 4, 5, h)
    code_pixel = model.code_pixel

    def noting(pixel: Any, wanted: Any) -> int:
        flags = [[labels.top(v, 12) for v in pixel.values(r)] for r in range(len(pixel.candidates))]
        places[pixel.x, pixel.y] = [" ".join(map(str, at)) for at in flags]
        return int(code_pixel(pixel, wanted))

    model.code_pixel = noting
    for y in range(4):
        model.code_row(y, None)
    coder.end()
    assert model.rows == ROWS
    return coder, places


def test_the_example() -> None:
    payload = labels.encode(ROWS, PALETTE)
    assert labels.decode(payload, 4, 5, PALETTE) == ROWS
    coder, places = noted(payload[1:])
    shown = f"**`{payload.hex(' ').upper()}`**"
    assert f"{len(coder.notes)} decisions, {coder.shifts} shifts and the payload {shown}." in PLAIN
    first = re.findall(r"(?:flag|new|next|bit) (\d+ [01] [0-9A-F]{4} [0-9A-F]{4})", PLAIN)
    assert first == coder.notes[:10]
    two = places[3, 0]
    assert len(two) == 2
    assert f"The slots of the flags of pixel 3, 0 are at {' and '.join(two)}." in PLAIN


def test_the_example_in_slices() -> None:
    payload = labels.encode(ROWS, PALETTE, h=2)
    assert labels.decode(payload, 4, 5, PALETTE) == ROWS
    coder, places = noted(payload[3:], 2)
    counts = f"{len(coder.notes)} decisions, {coder.shifts} shifts and"
    assert f"In slices of two rows there are {counts} **`{payload.hex(' ').upper()}`**" in PLAIN
    assert f"the slots of the first flag of pixel 2, 2 are at {places[2, 2][0]}." in PLAIN
