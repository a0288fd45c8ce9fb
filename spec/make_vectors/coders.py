"""The encoders of the second reader, which make the payloads of coding 2 to 5.

They are in ../read_additive.py and ../read_context.py, each half of the second reader: all other
vectors are made without any reader.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from good import good
from parts import Good, Rows

sys.path.append(str(Path(__file__).resolve().parent.parent))
import read_additive
import read_context

PROFILES = ((2, "fast"), (3, "default"), (4, "max"), (5, "fastest"))
CONTEXT = PROFILES[1:3]
ADDITIVE = (PROFILES[0], PROFILES[3])


def entries_of(palette: bytes, channels: int = 3) -> list[tuple[int, ...]]:
    return [tuple(palette[at : at + channels]) for at in range(0, len(palette), channels)]


def is_context(coding: int) -> bool:
    return coding in dict(CONTEXT)


def encode(rows: Rows, entries: list[tuple[int, ...]], coding: int) -> bytes:
    coder = read_context if is_context(coding) else read_additive
    return coder.encode(rows, entries, coding)


def profiled(
    name: str, about: str, rows: Rows, palette: bytes, coding: int, **options: Any
) -> Good:
    """Make a vector of coding 2 to 5, named after its coder."""
    entries = entries_of(palette, options.get("channels", 3))
    options.setdefault("code", lambda part: encode(part, entries, coding))
    method = "context" if is_context(coding) else "additive"
    return good(f"{method}-{name}", about, rows, palette, coding=coding, **options)
