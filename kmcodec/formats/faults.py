"""Translate errors of image libraries for people who do not know these libraries."""

from __future__ import annotations

import re

__all__ = ["fault_of", "image_fault", "warning_in_words"]

_OTHER_KIND = "of a kind that is not supported"

# The first match counts.
_FAULTS = [
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in [
        ("ghostscript", "Ghostscript is needed to read it, and not installed"),
        ("text.?chunk|text.?memory|too large for|too much text", "a text in it is too large"),
        ("not available|not configured|not installed", "Pillow was built without its decoder"),
        ("unsupported|not supported|not implemented|cannot handle", _OTHER_KIND),
        (
            "truncat|not enough|only got|not processed|end of (file|data|stream)|cut off|too short"
            "|premature|out of order|not a jpeg file: starts with 0x00",
            "its data end too early",
        ),
    ]
]
_DAMAGED = "its data cannot be decoded"
_MISSING = frozenset(words for _, words in _FAULTS[:3])

_WARNINGS = [
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in [
        ("apng", "damaged animation, the default image is taken"),
        ("exif|tag|metadata", "damaged metadata, not all can be read"),
        ("truncat", "the file ends too early"),
        ("palette.*transparency|transparency.*palette", "damaged transparency"),
    ]
]


def fault_of(error: object) -> str:
    """Say what a library found wrong with the data of an image.

    Parameters
    ----------
    error : Exception or str
        Raised by the readers of Pillow or libvips, of any type, with any text.

    Returns
    -------
    str
        A few words that begin in lower case.
    """
    text = str(error)
    if isinstance(error, NotImplementedError):
        return _OTHER_KIND
    return next((words for pattern, words in _FAULTS if pattern.search(text)), _DAMAGED)


def image_fault(error: object) -> str:
    """Say why an image cannot be read; see `fault_of`."""
    fault = fault_of(error)
    if fault == _OTHER_KIND:
        return f"an image {fault}"
    if fault in _MISSING:
        return f"cannot be read: {fault}"
    return f"damaged or truncated image ({fault})"


def warning_in_words(message: object) -> str:
    """Translate a library's warning; keep the first line of an unknown one."""
    lines = str(message).strip().splitlines()
    text = " ".join(lines[0].split()) if lines else ""
    known = (words for pattern, words in _WARNINGS if pattern.search(text))
    return next(known, text or type(message).__name__)
