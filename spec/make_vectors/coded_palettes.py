"""Palettes coded by the context coder: an encoder, written from section 12 of context.md.

It shares nothing with the decoder in ../read_palette.py, which was written from the same text.
"Section" in a comment is a section of context.md.
"""

from __future__ import annotations

from functools import cache

from parts import crc

Entry = tuple[int, ...]


class Coder:
    """Sections 3 and 5, and the estimates of section 12 by name."""

    def __init__(self) -> None:
        self.low, self.high = 0, 2**32 - 1
        self.done = b""
        self.estimates: dict[str, tuple[int, int]] = {}
        self.coded: list[tuple[int, int]] = []  # for the example of section 13: bit and p

    def code(self, name: str, bit: str, start: tuple[int, int, int]) -> None:
        numerator, denominator, n = start
        p, n = self.estimates.get(name, (numerator * 2**22 // denominator, n))
        chance = min(65472, max(64, p // 64))
        self.coded.append((int(bit), chance))
        middle = self.low + (self.high - self.low) * chance // 65536
        if bit == "1":
            self.high = middle
        else:
            self.low = middle + 1
        while self.low // 2**24 == self.high // 2**24:
            self.done += bytes([self.high // 2**24])
            self.low = self.low % 2**24 * 256
            self.high = self.high % 2**24 * 256 + 255
        goal = 4194303 if bit == "1" else 0
        p += (goal - p) * (655360 // (10 * n + 16)) // 65536
        self.estimates[name] = p, min(30, n + 1)

    def end(self) -> bytes:
        return self.done + bytes([self.low // 2**24 + 1])


def ordered(entries: list[Entry]) -> list[Entry]:
    """Sort as a palette that is to be coded."""

    def rank(entry: Entry) -> list[int]:
        light = entry[0]
        if len(entry) >= 3:
            light = 299 * entry[0] + 587 * entry[1] + 114 * entry[2]
        hidden = len(entry) % 2 == 0 and entry[-1] == 0
        return [0 if hidden else 1, light, *entry]

    return sorted(entries, key=rank)


def names(channels: int) -> str:
    return {1: "v", 2: "va", 3: "grb", 4: "grba"}[channels]


def string(entry: Entry) -> str:
    """Interleave the bits of an entry, green first."""
    turned = entry if len(entry) < 3 else (entry[1], entry[0], *entry[2:])
    digits = [f"{value:08b}" for value in turned]
    return "".join(digit for level in zip(*digits, strict=True) for digit in level)


@cache
def situation(channel: str, own: str, green: str) -> int:
    """Return the case of the next bit of a channel, after these of its own and of green."""
    if channel in "rb":
        u, g = int(own or "0", 2), int(green, 2)
        away = min(2, max(-2, u - g // 2))
        return 2 * (away + 2) + g % 2
    if "1" not in own:
        return 1
    return 0 if "0" in own else 2


def start_of(channel: str, case: int) -> tuple[int, int, int]:
    if channel in "rb" and case in (4, 5):
        return (1, 4, 1) if case == 4 else (3, 4, 1)
    return 1, 2, 0


def run_coder(entries: list[Entry]) -> Coder:
    """Code the entries; one that repeats is coded too, though no reader may take it."""
    coder, before = Coder(), ""
    order = names(len(entries[0]))
    for bits in sorted(map(string, entries)):
        known = dict.fromkeys("g" + order, "")
        tight = before != ""
        for at, bit in enumerate(bits):
            channel = order[at % len(order)]
            if not (tight and before[at] == "1"):
                case = situation(channel, known[channel], known["g"])
                t = 8 - at // len(order) if tight else 0
                coder.code(f"{channel} {t} {case}", bit, start_of(channel, case))
            known[channel] += bit
            tight = tight and before[at] == bit
        before = bits
    return coder


def code_palette(entries: list[Entry]) -> bytes:
    return run_coder(entries).end()


def field_size(plain: int) -> int:
    """Bytes of the length, for a palette of so many bytes."""
    return 4 if plain > 65536 else 2 if plain > 256 else 1


def coded_part(entries: list[Entry], coded: bytes | None = None) -> bytes:
    """Make the palette's part of the file (kmc-1.md, section 4); nothing is checked."""
    coded = code_palette(entries) if coded is None else coded
    size = field_size(len(entries) * len(entries[0]))
    body = len(coded).to_bytes(size, "little") + coded
    return body + crc(body)
