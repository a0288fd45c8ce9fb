"""`kmc decode`."""

from __future__ import annotations

import os

import click

from kmcodec.batch.decoding import decode_file
from kmcodec.batch.planning import STANDARD, Job, plan
from kmcodec.cli.common import (
    force_option,
    max_pixels_option,
    note,
    quiet_option,
    strip_option,
)
from kmcodec.cli.many import recursive_option, run_all
from kmcodec.cli.types import RowRange
from kmcodec.errors import KmcFormatError


@click.command()
@click.argument("sources", metavar="SRC...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="The file to write, replaced if it exists; its ending says the format. A folder for "
    "several sources; - for standard output. Without it, results go beside their sources.",
)
@click.option(
    "-t",
    "--to",
    "ending",
    metavar="FORMAT",
    help="png, npy, mat, or any format that Pillow writes. [default: by OUT, else png]",
)
@recursive_option
@click.option(
    "--rows",
    type=RowRange(),
    metavar="A:B",
    help="Only rows A to B - 1, from 0: of other strips nothing is read.",
)
@click.option(
    "--salvage",
    is_flag=True,
    help="Write what is left of a damaged file, lost rows marked. The exit code is 1 all the same.",
)
@strip_option
@max_pixels_option
@force_option
@quiet_option
def decode(
    sources: tuple[str, ...],
    output: str | None,
    ending: str | None,
    recursive: bool,
    rows: tuple[int, int] | None,
    salvage: bool,
    strip: bool,
    max_pixels: int,
    force: bool,
    quiet: bool,
) -> None:
    """Decode .kmc files to other image files.

    SRC is a .kmc file, a folder of them, or - for standard input. PNG keeps the palette.
    Animations keep all frames in GIF, PNG and WebP; other formats take the first. A .npy file is
    written strip by strip, in little memory.
    """
    if rows is not None and salvage:
        raise click.UsageError("--rows and --salvage exclude each other")
    derived = "." + (ending or "png").lstrip(".").lower()
    jobs = plan(sources, output, derived, force=force, recursive=recursive)

    def do(job: Job) -> None:
        own = os.path.splitext(job.target)[1].lower()
        wanted = derived if ending or job.target == STANDARD or not own else own
        report = decode_file(
            job,
            wanted,
            max_pixels=max_pixels or None,
            rows=rows,
            salvage=salvage,
            strip=strip,
        )
        if not quiet:
            note(
                f"{job.target}: {report.width} x {report.height}, "
                f"{report.entries:,} palette entries, {report.size:,} bytes"
            )
        lost = report.lost
        if lost:
            more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
            for loss in lost[1:] if not quiet else ():
                note(f"{job.source}: lost: {loss}")
            raise KmcFormatError(f"{job.source}: damaged, the rest was written: {lost[0]}{more}")

    run_all(jobs, do, "decoding")
