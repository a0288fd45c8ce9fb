"""Numbers that spec/additive.md quotes, made again by the second reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from test_second_reader import reader

PLAIN = " ".join(
    (Path(__file__).resolve().parent.parent / "spec" / "additive.md").read_text("utf-8").split()
)
PAYLOADS = {2: "599365AFE4", 5: "4B6AFA012360"}
COLOURS = bytes.fromhex("1D3557 E63946 F1FAEE A8DADC 457B9D")
PALETTE = [tuple(COLOURS[at : at + 3]) for at in range(0, 15, 3)]
ROWS = [[0, 0, 4, 4, 3], [0, 0, 4, 3, 3], [0, 4, 4, 3, 2], [1, 1, 4, 3, 2]]
additive: Any = reader.read_additive


class Noting(additive.Decoder):
    """Notes each decision: the probability or the bounds, what it was, and the state after it."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload)
        self.notes: list[str] = []

    def bit(self, p: int, bit: int) -> int:
        found = int(super().bit(p, bit))
        self.notes[-1] = f"{p} {found} {self.state()}"
        return found

    def value(self, bounds: list[int], v: int) -> int:
        before, found = self.range, int(super().value(bounds, v))
        inner = " ".join(map(str, bounds[1:]))
        self.notes.append(f"{inner} in `range` {before:04X}; it is {found}, then {self.state()}")
        return found

    def state(self) -> str:
        return f"{self.range:04X} {self.code:04X}"


@pytest.fixture(params=PAYLOADS)
def decoded(request: pytest.FixtureRequest) -> tuple[int, Noting, list[list[int]]]:
    coding = request.param
    coder = Noting(bytes.fromhex(PAYLOADS[coding]))
    model, places = additive.Model(coder, additive.Tree(PALETTE), 4, 5, coding), []
    flag_places = model.flag_places

    def noted(*arguments: Any) -> Any:
        places.append(flag_places(*arguments))
        return places[-1]

    model.flag_places = noted
    for y in range(4):
        model.code_row(y, None)
    coder.end()
    return coding, coder, places


def test_the_example(decoded: tuple[int, Noting, list[list[int]]]) -> None:
    coding, coder, places = decoded
    payload = bytes.fromhex(PAYLOADS[coding])
    assert additive.decode(payload, 4, 5, PALETTE, coding) == ROWS
    assert additive.encode(ROWS, PALETTE, coding) == payload
    name, shown = {2: ("fast has", "payload "), 5: ("fastest", "")}[coding]
    counts = f"{name} {len(coder.notes)} decisions, {coder.shifts} shifts and "
    assert f"{counts}{'the ' if shown else ''}{shown}**`{payload.hex(' ').upper()}`**" in PLAIN
    if coding == 2:
        first = re.findall(r"(?:flag|node) (\d+ [01] [0-9A-F]{4} [0-9A-F]{4})", PLAIN)
        assert first == coder.notes[:7]
        slots = " and ".join(" ".join(map(str, at)) for at in places[5:7])
        assert f"flags of pixel 3, 0 are at {slots}." in PLAIN
    else:
        values = [note for note in coder.notes if "in `range`" in note]
        assert f"second value of fastest has the bounds {values[1]}." in PLAIN
