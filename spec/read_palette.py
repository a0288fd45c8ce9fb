"""Coded palettes of KMC 1, written from section 12 of context.md alone.

"Section" in a comment is a section of that text. Python standard library only.
"""

from __future__ import annotations

from read_context_parts import BadPayload, Decoder, Estimate, Lazy, clamp

ORDER = {1: (0,), 2: (0, 1), 3: (1, 0, 2), 4: (1, 0, 2, 3)}  # grey or green first


def decode(data: bytes, entries: int, channels: int) -> list[tuple[int, ...]]:
    """Return the palette that is coded in `data`, or raise BadPayload."""
    coder, model = Decoder(data), Lazy(new_estimate)
    found: list[list[int]] = []
    for number in range(entries):
        entry = decode_entry(coder, model, channels, found[-1] if found else None)
        if found and entry == found[-1]:
            raise BadPayload(f"entry {number} in the order of the code equals the one before")
        found.append(entry)
    coder.end()
    return sorted(map(tuple, found), key=place)


def place(entry: tuple[int, ...]) -> tuple[bool, int, tuple[int, ...]]:
    """What the entries are sorted by."""
    visible = len(entry) in (1, 3) or entry[-1] > 0
    light = entry[0]
    if len(entry) > 2:
        light = 299 * entry[0] + 587 * entry[1] + 114 * entry[2]
    return visible, light, entry


def decode_entry(coder: Decoder, model: Lazy, channels: int, before: list[int] | None) -> list[int]:
    entry = [0] * channels  # of each channel the bits so far, the first one highest
    tight = before is not None
    for level in range(7, -1, -1):
        for channel in ORDER[channels]:
            old = before[channel] >> level & 1 if before and tight else 0
            bit = 1
            if not old:
                t = level + 1 if tight else 0
                estimate = model[channel, t, case(entry, channel, level), channels]
                bit = coder.code(clamp(estimate.p >> 6, 64, 65472), 0)
                estimate.teach(bit, 30)
                tight = tight and not bit
            entry[channel] = 2 * entry[channel] + bit
    return entry


def case(entry: list[int], channel: int, level: int) -> int:
    u = entry[channel]
    if len(entry) > 2 and channel in (0, 2):
        g = entry[1]  # this level's bit was taken before
        return 2 * (clamp(u - (g >> 1), -2, 2) + 2) + (g & 1)
    return 1 if u == 0 else 2 if u == (1 << (7 - level)) - 1 else 0


def new_estimate(at: tuple[int, int, int, int]) -> Estimate:
    channel, _, which, channels = at
    if channels > 2 and channel in (0, 2) and which in (4, 5):
        return Estimate(1 if which == 4 else 3, 4, 1)
    return Estimate(1, 2, 0)
