"""Parameter types of the command line besides numbers and names."""

from __future__ import annotations

import re
from typing import Any

import click
from click.shell_completion import CompletionItem

from kmcodec.formats.palette_texts import is_web_color, parse_colors
from kmcodec.model.pixels import to_channels

__all__ = ["FILE_NAME", "ByteSize", "Color", "RowRange"]

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}


class ByteSize(click.ParamType):  # type: ignore[type-arg]
    """A number of bytes such as 900, 12k, 1.5M or 64Ki."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmg]?i?)b?", str(value).strip().lower())
        if not match or match[2] not in _UNITS or float(match[1]) * _UNITS[match[2]] < 1:
            self.fail(f"{value!r} is not a size such as 900, 12k, 1.5M or 64Ki", param, ctx)
        return int(float(match[1]) * _UNITS[match[2]])


class Color(click.ParamType):  # type: ignore[type-arg]
    """A colour in web notation such as #e63946, as a tuple of RGBA."""

    name = "color"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        word = str(value).strip()
        if not is_web_color(word):
            self.fail(f"{value!r} is not a colour such as #e63946 or #e6394680", param, ctx)
        return tuple(to_channels(parse_colors([word]), 4)[0].tolist())


class RowRange(click.ParamType):  # type: ignore[type-arg]
    """A row range such as 0:256: the first row and the one after the last."""

    name = "rows"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        match = re.fullmatch(r"(\d+):(\d+)", str(value).strip())
        if not match or int(match[1]) >= int(match[2]):
            self.fail(f"{value!r} is not a range of rows such as 0:100", param, ctx)
        return int(match[1]), int(match[2])


class _FileName(type(click.STRING)):  # type: ignore[misc]
    """A text that shells complete as the name of a file; click's own type of paths refuses URLs."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        return [CompletionItem(incomplete, type="file")]


FILE_NAME = _FileName()
