"""Numbers that spec/context.md quotes, made again by the second reader."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from test_second_reader import reader

TEXT = (Path(__file__).resolve().parent.parent / "spec" / "context.md").read_text("utf-8")
PLAIN = " ".join(TEXT.split())
TIMES, MINUS = "\u00d7", "\u2212"
SHOWN = (1, 2, 4, 9)  # decisions of the example


def grouped(numbers: list[int]) -> str:
    """Write a count before equal numbers that follow each other."""
    groups = [(len(list(group)), value) for value, group in itertools.groupby(numbers)]
    parts = (f"{count} {TIMES} {value}" if count > 1 else str(value) for count, value in groups)
    return ", ".join(parts).replace("-", MINUS)


def lines_of_the_example(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    parts = reader.read_context.Stage
    lines: list[str] = []
    seen: dict[str, Any] = {"number": 0}
    inputs, code = parts.inputs, reader.read_context.Encoder.code

    def noted_inputs(self: Any, choice: Any, pixel: Any) -> Any:
        result = inputs(self, choice, pixel)
        sums = [
            sum(a * b for a, b in zip(result[0], self.weights[at], strict=True)) >> 14
            for at in enumerate(choice.sets)
        ]
        seen.update(pixel=pixel, kind=choice.kind, inputs=result[0], sums=sums)
        return result

    def noted_code(self: Any, p: int, bit: int) -> int:
        bit = code(self, p, bit)
        seen["number"] += 1
        if seen["number"] in SHOWN:
            lines.append(
                f"{seen['number']}. Pixel {seen['pixel'].x}, {seen['pixel'].y}, depth "
                f"{seen['kind']}: inputs {grouped(seen['inputs'])}; "
                f"`v_i` {grouped(seen['sums'])}; `p` {p}; bit {bit}."
            )
        return bit

    monkeypatch.setattr(parts, "inputs", noted_inputs)
    monkeypatch.setattr(reader.read_context.Encoder, "code", noted_code)
    colours = bytes.fromhex("1D3557 E63946 F1FAEE A8DADC 457B9D")
    palette = [tuple(colours[at : at + 3]) for at in range(0, 15, 3)]
    reader.read_context.decode(bytes.fromhex("DCB7B37832650E"), 4, 5, palette, 4)
    return lines


def test_the_decisions_of_profile_max(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = lines_of_the_example(monkeypatch)
    assert len(lines) == len(SHOWN)
    for line in lines:
        assert line in PLAIN, line


@pytest.mark.parametrize(("coding", "name"), [(3, "default"), (4, "max")])
def test_the_memory_of_each_profile(coding: int, name: str) -> None:
    p = reader.read_context.PROFILES[coding]
    places = p.flag_contexts * 16 + p.tree_contexts * 62 / 4
    patterns = 4 * (p.patterns * 2 * 2**16 + p.tree_patterns * 2**17)
    whole = places * 2**p.table_bits + patterns
    row = f"| {name} | {places:g} | {patterns:,} | {whole:,.0f} |"
    assert row in TEXT, row
