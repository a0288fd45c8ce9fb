"""Texts from outside, made harmless for a terminal."""

from __future__ import annotations

import re

# What Python calls printable and Unicode (DerivedCoreProperties.txt) ignorable by default, and the
# braille pattern without a dot: nothing is seen of them.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""The text with everything that is no character to be seen written as an escape.

    Names of files and texts in them may hold commands to a terminal, or turn the order of what
    follows around.

    Examples
    --------
    >>> from kmcodec.cli.printable import printable
    >>> print(printable("bird.kmc"), printable("evil\x1b[2J.kmc"))
    bird.kmc evil\x1b[2J.kmc
    """
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(c if c.isprintable() and not _UNSEEN.match(c) else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
