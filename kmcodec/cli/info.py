"""`kmc info`."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import IO

import click
import numpy as np
from numpy.typing import NDArray

from kmcodec.arrays.label_facts import LabelFacts, label_facts
from kmcodec.cli.class_lines import classes_as_dict, classes_in_words
from kmcodec.cli.help import Command
from kmcodec.cli.printable import printable
from kmcodec.cli.process import note
from kmcodec.cli.types import FILE_NAME
from kmcodec.container.frame_table import loop_in_words
from kmcodec.errors import KmcFormatError, KmcLimitError
from kmcodec.files import kmc_errors, open_kmc
from kmcodec.reading.hexdump import hexdump
from kmcodec.reading.inspection import FileInfo, inspect_stream

_CHANNELS = {1: "grey", 2: "grey and alpha", 3: "RGB", 4: "RGBA"}
_MOST_SWATCHES = 1024


@click.command(cls=Command)
@click.argument("file", metavar="FILE", type=FILE_NAME)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@click.option(
    "--hexdump",
    "as_hexdump",
    is_flag=True,
    help="Dump every part of the file with the meaning of its bytes; also for damaged files.",
)
def info(file: str, as_json: bool, as_hexdump: bool) -> None:
    """Show the contents of a .kmc file: header, strips, sections, bytes by part, palette."""
    if as_json and as_hexdump:
        raise click.UsageError("--json and --hexdump exclude each other")
    if as_hexdump:
        with open_kmc(file) as stream:
            data = stream.read()
        # Outside of that block: errors of standard output must not name the file.
        for line in hexdump(data):
            click.echo(printable(line))
        with kmc_errors(file):
            inspect_stream(io.BytesIO(data))  # raises the error that the dump passes over
        return
    with open_kmc(file) as stream:
        found = inspect_stream(stream)
        stream.seek(0)
        labels = _labels_in(stream, found, file)
    if as_json:
        told = None if labels is None else labels.to_dict()
        described = classes_as_dict(found.metadata)
        click.echo(json.dumps({"file": file, **found.to_dict(), "labels": told, **described}))
        return
    lines = _in_words(file, found)
    if labels is not None:
        lines.insert(2, f"labels     {_of_labels(labels)}")
    for line in [*lines, *classes_in_words(found.metadata)]:
        click.echo(printable(line))
    if swatches := _swatches(found.palette):
        click.echo(swatches, color=True)


def _labels_in(stream: IO[bytes], found: FileInfo, file: str) -> LabelFacts | None:
    """Return what kind of labels a file holds; a note if that cannot be said."""
    try:
        return label_facts(stream, found)
    except (KmcFormatError, KmcLimitError) as error:
        # The picture is sound, and all other lines hold.
        note(f"{file}: {error}")
        return None


def _of_labels(labels: LabelFacts) -> str:
    shape = " x ".join(f"{side:,}" for side in labels.shape) or "a single value"
    kind = np.dtype(labels.dtype)
    words = f"{kind.newbyteorder('=')}, {shape}, {labels.values:,} distinct"
    if kind.byteorder == ">":
        words = words.replace(",", " (big-endian),", 1)
    return words if labels.least is None else f"{words}, {labels.least} to {labels.most}"


def _in_words(file: str, found: FileInfo) -> list[str]:
    header = found.header
    lines = [
        f"{file}: {found.size:,} bytes, {found.bits_per_pixel:.3f} bits per pixel",
        f"image      {header.width} x {header.height}, {_CHANNELS[header.channels]}",
        f"palette    {_of_palettes(found)}",
        f"indices    {found.coding}{f' ({found.effort})' if found.effort else ''}, "
        f"{found.index_size:,} bytes, {8 * found.index_size / found.pixels:.3f} bits per pixel, "
        f"in {len(found.strips):,} strip"
        + ("s" if len(found.strips) > 1 else "")
        + (f" of {header.rows_per_strip:,} rows" if header.strip_count > 1 else ""),
        f"metadata   {found.metadata_size:,} bytes in {len(found.sections):,} section"
        + ("" if len(found.sections) == 1 else "s"),
        f"container  {found.container_size:,} bytes",
    ]
    if header.has_frames:
        lines.insert(2, f"frames     {_of_frames(found)}")
    lines += [
        f"section    {section.type}, {len(section.payload):,} bytes at byte {section.offset:,}"
        for section in found.sections
    ]
    lines += [
        f"text       {keyword}: {_beginning(text)}" for keyword, text in found.metadata.text.items()
    ]
    return lines


def _of_palettes(found: FileInfo) -> str:
    header, size = found.header, found.palette_size
    if len(found.scenes) > 1:
        entries = [scene.entries for scene in found.scenes]
        coded = sum(scene.palette_coded for scene in found.scenes)
        return (
            f"{len(entries):,} of {min(entries):,} to {max(entries):,} entries, {size:,} bytes, "
            f"{coded:,} coded"
        )
    if header.palette_implied:
        return f"{header.entries:,} entries, not stored: the ramp"
    plain = f", coded (plain {header.palette_size:,})" if header.palette_coded else ""
    return f"{header.entries:,} entries, {size:,} bytes{plain}"


def _of_frames(found: FileInfo) -> str:
    frames = found.frames
    shown = f"{min(frames.durations):,} to {max(frames.durations):,} ms each"
    if len(frames.durations) == 1:
        shown = f"{frames.durations[0]:,} ms each"
    layout = "rows interleaved" if frames.interleaved else "side by side"
    if frames.further:
        interleaved = sum(scene.interleaved for scene in found.scenes)
        layout = f"{len(found.scenes):,} scenes, {interleaved:,} with rows interleaved"
    return f"{frames.count:,}, {shown}, {loop_in_words(frames.loop)}, {layout}"


def _beginning(text: str) -> str:
    return text[:200] + ("..." if len(text) > 200 else "")


def _swatches(palette: NDArray[np.uint8]) -> str:
    """Return the palette as coloured blanks for 24-bit colour terminals, else nothing."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return ""
    if os.environ.get("COLORTERM") not in ("truecolor", "24bit"):
        return ""
    columns = palette[:_MOST_SWATCHES]
    colors = np.repeat(columns[:, :1], 3, axis=1) if columns.shape[1] < 3 else columns[:, :3]
    blanks = [f"\x1b[48;2;{r};{g};{b}m  \x1b[0m" for r, g, b in colors.tolist()]
    rows = ["".join(blanks[start : start + 32]) for start in range(0, len(blanks), 32)]
    left_out = len(palette) - len(columns)
    return "\n".join(rows) + (f"\n... and {left_out:,} more" if left_out > 0 else "")
