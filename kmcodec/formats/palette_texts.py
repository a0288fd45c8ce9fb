"""Read palettes from text: lists of colours, and the .gpl, .hex, .pal and .txt formats."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.image import MAX_COLORS
from kmcodec.model.pixels import common_channels_for, to_channels

__all__ = [
    "check_count",
    "is_hex_color",
    "is_web_color",
    "parse_colors",
    "parse_with_header",
    "parse_without_header",
]

_Color: TypeAlias = "tuple[int, ...]"
_Lines: TypeAlias = "Iterator[tuple[int, str]]"

_WEB_COLOR = re.compile(r"#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
_HEX_COLOR = re.compile(r"#?(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
# `# text`, and `#Name: text` as Lospec writes it; but `#fade` may be a colour with a digit missing.
_HEX_COMMENT = re.compile(r";|#(?!\w)|#(?![0-9A-Fa-f]*(?:\s|$))\S+\s")
# Programs add their own fields to the header.
_GPL_FIELD = re.compile(r"([^\W\d][^:]*):\s*(.*)")


def is_web_color(word: str) -> bool:
    """Whether a word is ``#rgb``, ``#rgba``, ``#rrggbb`` or ``#rrggbbaa``."""
    return _WEB_COLOR.fullmatch(word) is not None


def is_hex_color(word: str) -> bool:
    """Whether a word is ``rrggbb`` or ``rrggbbaa``, with or without ``#``."""
    return _HEX_COLOR.fullmatch(word) is not None


def parse_colors(words: Sequence[str]) -> NDArray[np.uint8]:
    """Parse colours in web notation to a palette.

    Parameters
    ----------
    words : sequence of str
        Colours that `is_web_color` accepts.

    Returns
    -------
    ndarray, shape (K, C), uint8
        C is 3, or 4 where an entry has alpha.

    Raises
    ------
    KmcInputError
        If a word is not a colour, or the list is empty or too long.
    """
    return _as_palette(map(_web_color, words))


def parse_with_header(text: str) -> NDArray[np.uint8] | None:
    """Parse the palette of a text with a header: GIMP's, JASC's or Paint.NET's.

    Parameters
    ----------
    text : str
        Text of the whole file.

    Returns
    -------
    ndarray, shape (K, C), uint8, or None
        C is 3, or 4 where an entry has alpha; None if the text has no such header.

    Raises
    ------
    KmcInputError
        If the text is malformed; the message begins with the line number if known.
    """
    if text.startswith("GIMP Palette"):
        return _from_gpl(_lines_of(text))
    if re.match(r"JASC-PAL\s", text):
        return _from_jasc(_lines_of(text))
    if re.match(r";\s*paint\.net palette", text, re.IGNORECASE):
        return _from_paint_net(_lines_of(text))
    return None


def parse_without_header(text: str, extension: str) -> NDArray[np.uint8] | None:
    """Parse the palette of a text by its file extension, or else by its first colour.

    Parameters
    ----------
    text : str
        Text of the whole file.
    extension : str
        The file extension, in lower case: ``.txt`` is Paint.NET's, ``.hex`` a list.

    Returns
    -------
    ndarray, shape (K, C), uint8, or None
        C is 3, or 4 where an entry has alpha; None for any other text.

    Raises
    ------
    KmcInputError
        As `parse_with_header`.
    """
    if extension == ".txt":
        return _from_paint_net(_lines_of(text))
    _, first = next(_without_comments(_lines_of(text)), (0, ""))
    return _from_hex(_lines_of(text)) if extension == ".hex" or is_hex_color(first) else None


def check_count(count: int) -> None:
    """Refuse a number of entries that no palette can have.

    Raises
    ------
    KmcInputError
        If it is 0, or more than 65,536.
    """
    if not count:
        raise KmcInputError("no colours")
    if count > MAX_COLORS:
        raise KmcInputError(f"more than {MAX_COLORS:,} colours, the most that a palette has")


# Lines.


def _lines_of(text: str) -> _Lines:
    """Yield non-blank lines with their numbers; lazily, as a hostile file has millions."""
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if stripped := line.strip():
            yield number, stripped


def _without_comments(lines: _Lines) -> _Lines:
    for number, line in lines:
        if not _HEX_COMMENT.match(line):
            yield number, line.partition(";")[0].strip()


@contextmanager
def _at_line(number: int) -> Iterator[None]:
    try:
        yield
    except KmcInputError as error:
        raise KmcInputError(f"line {number}: {error}") from error


def _colors_of(lines: _Lines, parse: Callable[[str], _Color]) -> Iterator[_Color]:
    for number, line in lines:
        with _at_line(number):
            color = parse(line)
        yield color


def _as_palette(colors: Iterable[_Color]) -> NDArray[np.uint8]:
    """Make a palette of 3 channels, or of 4 if any colour has alpha."""
    taken = list(itertools.islice(colors, MAX_COLORS + 1))
    check_count(len(taken))
    channels = max(map(len, taken))
    return np.array([(*color, 255)[:channels] for color in taken], np.uint8)


# Formats.


def _from_gpl(lines: _Lines) -> NDArray[np.uint8]:
    return _as_palette(_gpl_colors(itertools.islice(lines, 1, None)))


def _gpl_colors(lines: _Lines) -> Iterator[_Color]:
    channels, in_head = 3, True
    for number, line in lines:
        if line.startswith("#"):
            continue
        with _at_line(number):
            field = _GPL_FIELD.match(line) if in_head else None
            if field is None:
                color = _levels(line.split(None, channels)[:channels], channels)
            elif field[1] == "Channels":
                channels = _gpl_channels(field[2])
        if field is None:
            in_head = False
            yield color


def _gpl_channels(value: str) -> int:
    if value not in ("RGB", "RGBA"):
        raise KmcInputError(f"channels is {_shown(value)}, must be RGB or RGBA")
    return len(value)


def _from_jasc(lines: _Lines) -> NDArray[np.uint8]:
    head = list(itertools.islice(lines, 3))
    if len(head) < 3:
        raise KmcInputError("truncated, it ends before the number of its colours")
    _, (_, version), (number, count) = head
    if version != "0100":
        raise KmcInputError(f"version is {_shown(version)}, must be 0100")
    palette = _as_palette(_colors_of(lines, _jasc_color))
    if count != str(len(palette)):
        raise KmcInputError(
            f"line {number}: declares {_short(count)} colours, but {len(palette):,} follow"
        )
    return _without_opaque_alpha(palette)


def _jasc_color(line: str) -> _Color:
    words = line.split()
    # Later versions of Paint Shop Pro add alpha.
    return _levels(words, 4 if len(words) == 4 else 3)


def _from_hex(lines: _Lines) -> NDArray[np.uint8]:
    return _as_palette(_colors_of(_without_comments(lines), _hex_color))


def _from_paint_net(lines: _Lines) -> NDArray[np.uint8]:
    return _without_opaque_alpha(_as_palette(_colors_of(_without_comments(lines), _argb_color)))


def _without_opaque_alpha(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Drop alpha that is 255 everywhere."""
    return to_channels(palette, common_channels_for(palette, 3))


# A colour.


def _web_color(word: str) -> _Color:
    if not is_web_color(word):
        raise KmcInputError(f"{_shown(word)} is not a colour such as #rgb, #rrggbb or #rrggbbaa")
    digits = word[1:]
    return tuple(bytes.fromhex(digits if len(digits) > 4 else "".join(d + d for d in digits)))


def _hex_color(line: str) -> _Color:
    if not is_hex_color(line):
        raise KmcInputError(f"{_shown(line)} is not a colour such as rrggbb or rrggbbaa")
    return tuple(bytes.fromhex(line.removeprefix("#")))


def _argb_color(line: str) -> _Color:
    if not is_hex_color(line):
        raise KmcInputError(f"{_shown(line)} is not a colour such as aarrggbb or rrggbb")
    color = _hex_color(line)
    # With # it is in web notation, with alpha last.
    return color if line.startswith("#") or len(color) == 3 else (*color[1:], color[0])


def _levels(words: Sequence[str], count: int) -> _Color:
    if len(words) != count:
        wanted = "R G B A"[: 2 * count - 1]
        raise KmcInputError(f"{_shown(' '.join(words))} is not {wanted}, numbers from 0 to 255")
    return tuple(map(_level, words))


def _level(word: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", word):
        raise KmcInputError(f"{_shown(word)} is not a number from 0 to 255")
    if not re.fullmatch(r"0*[0-9]{1,3}", word) or int(word[-3:]) > 255:
        raise KmcInputError(f"{_short(word)} must be from 0 to 255")
    return int(word[-3:])


def _shown(text: str) -> str:
    return repr(_short(text))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
