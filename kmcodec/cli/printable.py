"""Texts from outside, made harmless for a terminal."""

from __future__ import annotations

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
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
