"""`kmc encode`."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from typing import Any

import click

from kmcodec.assembly import MAX_STRIP_ROWS
from kmcodec.batch import EncodeReport, encode_file
from kmcodec.cli.common import (
    coding_options,
    decibels,
    kmeans_options,
    note,
    variable_option,
)
from kmcodec.cli.goals import GoalCommand, Steps, goal_options
from kmcodec.cli.many import Counts, jobs_option, recursive_option, run_jobs
from kmcodec.errors import KmcError, KmcInputError
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
@recursive_option
@jobs_option
@click.option("--skip-existing", is_flag=True, help="Leave targets that are there as they are.")
@click.option(
    "--skip-if-larger", is_flag=True, help="Write no file that is not smaller than its source."
)
@click.option("-f", "--force", is_flag=True, help="Replace files whose names were derived.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON lines on standard output.")
def encode(
    sources: tuple[str, ...],
    output: str | None,
    colors: int | None,
    palette: str | None,
    recursive: bool,
    workers: int | None,
    skip_existing: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Encode images as .kmc files.

    SRC is a .mat, .npy or .kmc file, any image that Pillow reads, a folder of those, or - for
    standard input. For each file one line tells its size before and after, and one at the end of
    several those of all.
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
    jobs = plan(
        sources, output, ".kmc", force=force, recursive=recursive, skip_existing=skip_existing
    )
    work: Callable[..., EncodeReport] = functools.partial(
        encode_file, k=colors, goal=goal, **options
    )
    sizes = _Sizes()

    def work_here(job: Job) -> EncodeReport:
        steps = Steps(os.path.basename(job.source), hidden=quiet)
        try:
            return work(job, advance=steps)
        finally:
            steps.finish()

    def tell(job: Job, report: EncodeReport) -> str | None:
        sizes.add(report)
        if as_json:
            click.echo(json.dumps(report.to_dict()))
        elif not quiet:
            note(_in_words(report))
        return report.shortfall

    def tell_error(job: Job | None, error: KmcError) -> None:
        if as_json:
            source = job.source if job else None
            click.echo(json.dumps({"source": source, "error": str(error)}))

    counts = run_jobs(
        jobs,
        work_here if len(jobs) == 1 else work,
        tell,
        "encoding",
        workers=workers,
        tell_error=tell_error,
    )
    if quiet:
        counts.tell_failures()
    elif len(jobs) > 1:
        note(f"kmc: {sizes.summary(counts)}")
    counts.exit()


class _Sizes:
    """Bytes of all files before and after."""

    def __init__(self) -> None:
        self._files = self._before = self._after = self._unwritten = 0

    def add(self, report: EncodeReport) -> None:
        """Count a file."""
        self._unwritten += not report.written
        if report.written:
            self._files += 1
            self._before += report.source_size
            self._after += report.size

    def summary(self, counts: Counts) -> str:
        """What became of all, in words."""
        words = f"{self._files:,} of {counts.jobs:,} files encoded"
        if self._files:
            ratio = self._before / self._after
            words += f", {self._before:,} bytes to {self._after:,}: {ratio:.1f} times smaller"
        others = {
            "failed": counts.failed,
            "were there already": counts.skipped,
            "would not be smaller": self._unwritten,
        }
        return "; ".join([words, *(f"{n:,} {what}" for what, n in others.items() if n)])


def _in_words(report: EncodeReport) -> str:
    colors = f"{report.entries:,} colour{'' if report.entries == 1 else 's'}"
    source = "standard input" if report.source == STANDARD else os.path.basename(report.source)
    if not report.written:
        return (
            f"{report.source}: {report.source_size:,} bytes, as .kmc {report.size:,}: not written"
        )
    return (
        f"{report.output}: {report.width} x {report.height}, {colors}, {decibels(report.psnr)}, "
        f"{report.size:,} bytes: {report.ratio:.1f} times smaller than raw ({report.raw_size:,}), "
        f"{report.source_size / report.size:.1f} than {source} ({report.source_size:,}), "
        f"{report.seconds:.2f} s"
    )
