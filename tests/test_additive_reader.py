"""The additive coder in the second reader, spec/read_additive.py: what it refuses, and holes."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from test_second_reader import build, reader, refusal


def test_coding_methods_up_to_6_are_known() -> None:
    for coding in (2, 5, 6):
        assert reader.read(build(palette=b"a", coding=coding, payloads=(b"",))).coding == coding
    assert "coding 7 is not supported" in refusal(build(coding=7))


@pytest.mark.parametrize("coding", [2, 5])
def test_an_additive_payload_in_packed_rows(coding: int) -> None:
    """With the byte FFh before them, and all that is refused in method 0."""
    options: dict[str, Any] = {"palette": b"abc", "coding": coding}
    assert reader.read(build(**options, payloads=(b"\xff\x60",))).indices == [[1, 2]]
    for payload, message in (
        (b"\xff", "0 bytes of packed rows"),
        (b"\xff\x60\0", "2 bytes of packed rows"),
        (b"\xff\x61", "pad bit"),
        (b"\xff\x70", "index 3"),
    ):
        assert message in refusal(build(**options, payloads=(payload,)))
    one = {**options, "palette": b"a"}
    for payload in (b"\xff", b"\0"):
        assert "none expected" in refusal(build(**one, payloads=(payload,)))


@pytest.mark.parametrize("coding", [2, 5])
def test_what_ends_an_additive_payload(coding: int) -> None:
    """Its length, the bits after the end of the code, and the rest of the code."""
    rows = [[source % 3 for source in range(at, at + 9)] for at in (0, 4, 5, 7)]
    palette = [(10 * grey,) for grey in range(3)]
    payload = reader.read_additive.encode(rows, palette, coding)
    assert reader.read_additive.decode(payload, 4, 9, palette, coding) == rows

    def wrong(damaged: bytes) -> str:
        with pytest.raises(reader.read_context.BadPayload) as caught:
            reader.read_additive.decode(damaged, 4, 9, palette, coding)
        return str(caught.value)

    assert "more expected" in wrong(payload[:-1])
    assert f"{len(payload)} expected" in wrong(payload + b"\0")
    coder = reader.read_additive.Decoder(payload)
    tree = reader.read_additive.Tree(palette)
    model = reader.read_additive.Model(coder, tree, 4, 9, coding)
    for y in range(4):
        model.code_row(y, None)
    spare = 7 - coder.shifts % 8
    assert spare, "choose other rows: their code fills its last byte"
    for bit in range(spare):
        assert "after the end" in wrong(payload[:-1] + bytes([payload[-1] | 1 << bit]))
    number = int.from_bytes(payload, "big") + (1 << spare)  # the code is 8000h more
    assert coder.code + 0x8000 < coder.range, "choose other rows: no other code gives them"
    assert "less than 8000" in wrong(number.to_bytes(len(payload), "big"))


def test_a_hole_has_the_entry_of_the_symbol_below_it() -> None:
    """Noise that ends as it should is read; in profile fastest it gives symbols of no entry."""
    source, holes = random.Random(6), 0
    palette = [(20 * grey,) for grey in range(5)]  # symbols 0, 1, 3, 4, 6
    for coding, noise in itertools.product((2, 5), [source.randbytes(30) for _ in range(200)]):
        coder = reader.read_additive.Decoder(b"\x55" + noise)
        model = reader.read_additive.Model(coder, reader.read_additive.Tree(palette), 4, 5, coding)
        for y in range(4):
            model.code_row(y, None)
        number = int.from_bytes(coder.payload, "big") >> (31 * 8 - 16 - coder.shifts)
        if not 0 <= coder.code - number % 0x8000 < 0x8000:
            continue  # it would be of other pixels without its last bits
        size = coder.shifts // 8 + 1
        end = (number >> 15 << (8 * size - 1 - coder.shifts)).to_bytes(size, "big")
        found = reader.read_additive.decode(end, 4, 5, palette, coding)
        symbols = [symbol for row in model.rows for symbol in row]
        assert coding == 5 or not {2, 5, 7} & {*symbols}
        holes += len({2, 5, 7} & {*symbols})
        assert [index for row in found for index in row] == [
            (0, 1, 1, 2, 3, 3, 4, 4)[symbol] for symbol in symbols
        ]
    assert holes > 20
