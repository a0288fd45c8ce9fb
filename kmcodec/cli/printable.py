"""Make texts from outside harmless for a terminal."""

from __future__ import annotations

import re

# Invisible characters that Python calls printable: those that Unicode (DerivedCoreProperties.txt)
# calls ignorable by default, and the braille pattern without dots.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)

__all__ = ["printable"]


def printable(text: str) -> str:
    r"""Return the text with every invisible character written as an escape.

    File names and texts in files may hold terminal commands, or reverse the direction of the
    text after them.

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
