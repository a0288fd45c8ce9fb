"""The palette that a file need not store, written from section 4.3 of kmc-1.md alone.

Python standard library only.
"""

from __future__ import annotations

from read_palette import place


def ramp(count: int) -> list[tuple[int, ...]]:
    if count <= 256:
        return [(255 * i // max(1, count - 1),) for i in range(count)]
    level = -(-(count - 1).bit_length() // 3)
    colors = []
    for i in range(count):
        color = [0, 0, 0]
        for j in range(3 * level):
            color[j % 3] |= (i >> j & 1) << (8 - level + j // 3)
        colors.append(tuple(color))
    return sorted(colors, key=place)
