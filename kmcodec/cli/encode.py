"""`kmc encode`."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from kmcodec.assembly import MAX_STRIP_ROWS
from kmcodec.batch import EncodeReport, encode_file
from kmcodec.cli.common import (
    coding_options,
    decibels,
    kmeans_options,
    note,
    run_all,
    variable_option,
)
from kmcodec.cli.goals import GoalCommand, Steps, goal_options
from kmcodec.errors import KmcInputError
from kmcodec.image import MAX_COLORS
from kmcodec.palette_files import read_palette
from kmcodec.planning import STANDARD, Job, plan
from kmcodec.rate_distortion import Goal


@click.command(cls=GoalCommand)
@click.argument("sources", metavar="SRC...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="The file to write, replaced if it exists; a folder for several sources; - for "
    "standard output. Without it, results go beside their sources.",
)
@click.option(
    "-k",
    "--colors",
    type=click.IntRange(1, MAX_COLORS),
    metavar="N",
    help="Palette entries. [default: 256; a palette image keeps its own]",
)
@click.option(
    "--palette",
    metavar="PALETTE",
    help="Take these colours instead of looking for some: a .kmc, .gpl, .hex, .act, .pal or .txt "
    "file, an image, or a list such as '#1d3557,#e63946,#f1faee'.",
)
@click.option(
    "--reorder",
    is_flag=True,
    help="Order the palette of a palette image from dark to bright, without unused and double "
    "entries: a smaller file of the same pixels.",
)
@coding_options
@click.option(
    "--strip-rows",
    type=click.IntRange(0, MAX_STRIP_ROWS),
    metavar="N",
    help="Rows of an independently coded strip, 0 for all. [default: all up to 4 megapixels, then "
    "strips of about 2, coded in threads]",
)
@goal_options
@kmeans_options
@variable_option
@click.option("-f", "--force", is_flag=True, help="Replace files whose names were derived.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON lines on standard output.")
def encode(
    sources: tuple[str, ...],
    output: str | None,
    colors: int | None,
    palette: str | None,
    force: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Encode images as .kmc files.

    SRC is a .mat, .npy or .kmc file, any image that Pillow reads, a folder of those, or - for
    standard input. Animations (GIF, PNG, WebP) keep all frames, with one palette. For each file
    one line tells its size before and after.
    """
    if as_json and output == STANDARD:
        raise click.UsageError("--json and '-o -' both want standard output")
    if colors is not None and palette is not None:
        raise click.UsageError("-k and --palette exclude each other")
    if options["reorder"] and palette is not None:
        raise click.UsageError("--reorder and --palette exclude each other")
    rdo, psnr, max_bytes = (options.pop(name) for name in ("rdo", "psnr", "max_bytes"))
    try:
        goal = Goal.of(rdo, psnr, max_bytes, options["coding"])
    except KmcInputError as error:
        raise click.UsageError(str(error)) from error
    options["palette"] = None if palette is None else read_palette(palette)
    jobs = plan(sources, output, ".kmc", force=force)

    def do(job: Job) -> str | None:
        steps = Steps(os.path.basename(job.source), hidden=quiet or len(jobs) > 1)
        try:
            report = encode_file(job, colors, goal=goal, advance=steps, **options)
        finally:
            steps.finish()
        if as_json:
            click.echo(json.dumps(report.to_dict()))
        elif not quiet:
            note(_in_words(report))
        return report.shortfall

    run_all(jobs, do, "encoding")


def _in_words(report: EncodeReport) -> str:
    colors = f"{report.entries:,} colour{'' if report.entries == 1 else 's'}"
    frames = f"{report.frames:,} frames, " if report.frames > 1 else ""
    source = "standard input" if report.source == STANDARD else os.path.basename(report.source)
    return (
        f"{report.output}: {report.width} x {report.height}, {frames}{colors}, "
        f"{decibels(report.psnr)}, "
        f"{report.size:,} bytes: {report.ratio:.1f} times smaller than raw ({report.raw_size:,}), "
        f"{report.source_size / report.size:.1f} than {source} ({report.source_size:,}), "
        f"{report.seconds:.2f} s"
    )
