"""The layout of `--help`: options in groups, examples at the end, whole summaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

__all__ = ["GROUPS", "Command", "write_commands"]

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Output": (
        *("output", "extension", "replaces", "table", "picture", "coding", "effort", "strip_rows"),
        *("strip", "force"),
    ),
    "Palette": ("colors", "keep", "palette", "shared_palette", "frame_palettes", "reorder"),
    "Quality and size": (
        *("quality", "rdo", "psnr", "max_bytes", "strict"),
        *("lossless", "dither", "dither_amount"),
    ),
    "Search": ("search", "space", "init", "seed", "iterations", "restarts"),
    "Input": ("variable", "labels", "max_pixels", "rows", "salvage", "points"),
    "Many files": (
        *("recursive", "workers", "scheduler", "skip_existing", "skip_if_larger"),
        *("update", "watches", "dry"),
    ),
    "Messages": ("quiet", "as_json", "help"),
}
"""Headings, each with its parameters in the order of the help."""

# A command with at most this many options needs no headings.
_FEW = 8


class Command(click.Command):
    """A command whose help groups its options.

    Parameters
    ----------
    examples : str
        Shell commands, shown at the end of the help.
    """

    def __init__(self, *args: Any, examples: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self._examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            # The versions of click name their own option in different ways.
            "help" if "--help" in param.opts else str(param.name): record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx))
        }
        grouped = {name: [n for n in names if n in records] for name, names in GROUPS.items()}
        if len(records) <= _FEW:
            grouped = {"Options": list(records)}
        for heading, names in grouped.items():
            if names:
                with formatter.section(heading):
                    formatter.write_dl([records[name] for name in names])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self._examples:
            with formatter.section("Examples"):
                for line in self._examples.strip().splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line.strip()}\n")


def write_commands(group: click.Group, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """List the commands of a group, each with its full summary."""
    commands = ((name, group.get_command(ctx, name)) for name in group.list_commands(ctx))
    rows = [(name, command.get_short_help_str(limit=400)) for name, command in commands if command]
    with formatter.section("Commands"):
        formatter.write_dl(rows)
