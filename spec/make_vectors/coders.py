"""The encoders of the second reader, which make the payloads of coding 2 to 6.

They are in ../read_additive.py, ../read_context.py and ../read_labels.py, each part of the second
reader: all other vectors are made without any reader.
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
import read_labels

LABELS = 6
PROFILES = ((2, "fast"), (3, "default"), (4, "max"), (5, "fastest"), (LABELS, "labels"))
CONTEXT = PROFILES[1:3]
ADDITIVE = (PROFILES[0], PROFILES[3])


def entries_of(palette: bytes, channels: int = 3) -> list[tuple[int, ...]]:
    return [tuple(palette[at : at + channels]) for at in range(0, len(palette), channels)]


def method_of(coding: int) -> str:
    return "labels" if coding == LABELS else "context" if coding in dict(CONTEXT) else "additive"


def encode(rows: Rows, entries: list[tuple[int, ...]], coding: int) -> bytes:
    coders = {"labels": read_labels, "context": read_context, "additive": read_additive}
    payload: bytes = coders[method_of(coding)].encode(rows, entries, coding)
    return payload


def profiled(
    name: str, about: str, rows: Rows, palette: bytes, coding: int, **options: Any
) -> Good:
    """Make a vector of coding 2 to 6, named after its coder."""
    entries = entries_of(palette, options.get("channels", 3))
    options.setdefault("code", lambda part: encode(part, entries, coding))
    return good(f"{method_of(coding)}-{name}", about, rows, palette, coding=coding, **options)
