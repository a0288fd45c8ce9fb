"""`kmc optimize`."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import click

from kmcodec.batch.file_request import FileRequest
from kmcodec.batch.optimize_planning import OptimizePlan, Replacing, plan_optimizing
from kmcodec.batch.optimizing import (
    DEFAULT_QUALITY,
    OptimizeReport,
    OptimizeRequest,
    optimize_job,
    state_of,
)
from kmcodec.batch.planning import Job, make_folder
from kmcodec.cli.common import (
    colors_option,
    dither_options,
    force_option,
    json_option,
    max_pixels_option,
    quiet_option,
    strip_option,
)
from kmcodec.cli.exit_codes import BELOW_QUALITY, FAILED, NOT_SMALLER
from kmcodec.cli.goals import with_steps
from kmcodec.cli.help import Command
from kmcodec.cli.many import Counts, executor_for, jobs_option, recursive_option, run_jobs
from kmcodec.cli.optimize_reports import OptimizeReporter
from kmcodec.cli.types import FILE_NAME
from kmcodec.cli.watching import watch
from kmcodec.coding import AUTO, EFFORTS
from kmcodec.errors import KmcInputError
from kmcodec.quantization import NO_DITHER
from kmcodec.targets.palette_png import MOST_ENTRIES

EXAMPLES = """
    kmc optimize icons/ -r                        # icons/a.kmc beside icons/a.png
    kmc optimize icons/ -r -o packed/ --dry-run   # what would it save?
    kmc optimize *.png -t png --replace           # as pngquant and oxipng do
    kmc optimize *.png -t png --replace --lossless
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("sources", metavar="SRC...", type=FILE_NAME, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="OUT",
    help="The folder to write the results into. [default: beside each source]",
)
@click.option(
    "-t",
    "--to",
    "extension",
    type=click.Choice(["kmc", "png"]),
    default="kmc",
    show_default=True,
    help="The format to write. png: with a palette of at most 256 colours; needs -o or --replace.",
)
@click.option(
    "--replace",
    "replaces",
    is_flag=True,
    help="With -t png: replace each PNG by its result where that is smaller. Without it, sources "
    "are never changed.",
)
@click.option(
    "--quality",
    metavar="N|MIN-MAX",
    help="Reduce colours as far as the image looks so good, as SSIMULACRA2 measures it: 90 looks "
    "the same, 70 is high quality, 50 medium. Aim at MAX, and write no file below MIN. "
    f"[default: {DEFAULT_QUALITY}, or any with -k]",
)
@colors_option("The most colours. [default: 4,096; 256 with -t png]")
@click.option(
    "--lossless",
    is_flag=True,
    help="Change no pixel: leave images alone that have too many colours for a palette, which are "
    "65,536, or 256 with -t png.",
)
@dither_options
@click.option(
    "--effort",
    type=click.Choice(EFFORTS),
    default=AUTO,
    show_default=True,
    help="Time to spend on a smaller .kmc file, as with 'kmc encode'.",
)
@recursive_option
@jobs_option
@click.option(
    "-u", "--update", is_flag=True, help="Make results again that are older than their sources."
)
@click.option("-n", "--dry-run", "dry", is_flag=True, help="Do all the work, but write nothing.")
@click.option(
    "--watch",
    "watches",
    is_flag=True,
    help="Afterwards wait for changes of the sources, and make their results again, until Ctrl-C. "
    "Needs pip install 'kmcodec[watch]'.",
)
@click.option(
    "--skip-if-larger",
    is_flag=True,
    help="Exit with code 98 if a result would not be smaller. With or without this option no such "
    "result is written.",
)
@strip_option
@max_pixels_option
@force_option
@quiet_option
@json_option
def optimize(
    sources: tuple[str, ...],
    output: str | None,
    extension: str,
    replaces: bool,
    recursive: bool,
    workers: int | None,
    update: bool,
    dry: bool,
    watches: bool,
    skip_if_larger: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Make PNG and GIF files smaller, as .kmc or palette PNG files.

    SRC is a file or a folder. Images of at most 256 colours keep every pixel; others get fewer
    colours, as few as the quality allows. No result is written that is not smaller than its
    source. Files of other formats, such as JPEG, are left alone and counted. Animations become
    animated .kmc files; -t png leaves them alone.

    Sources are never deleted, and changed only with --replace. A result that is newer than its
    source is up to date and skipped; --force makes all again.

    Exit codes as of pngquant: 99 if an image was not written because it would look worse than MIN;
    98 with --skip-if-larger. Of several files the first that applies of 1, 99 and 98.
    """
    as_png = extension == "png"
    _check_targets(output, as_png, replaces, force=force or update, dry=dry and watches)
    request = OptimizeRequest(
        files=_files_request(as_png, **options),
        as_png=as_png,
        lossless=options["lossless"],
        replaces=replaces,
        dry=dry,
    )

    replacing = Replacing(sources=replaces, older=update or watches, all=force)
    made: dict[str, tuple[int, ...]] = {}

    def run(again: bool) -> int:
        plan = plan_optimizing(
            sources, output, f".{extension}", replacing=replacing, recursive=recursive
        )
        if again:
            plan = _only_changed(plan, made)
            if not plan.jobs:
                return 0
        if output is not None and not dry:
            make_folder(output)
        made.update(_states_of(plan))
        reporter = OptimizeReporter(as_json, quiet, dry=dry)
        counts = _run(plan, request, workers, reporter)
        if replaces:
            made.update(_states_of(plan))
        return _exit_code(counts, skip_if_larger and reporter.larger > 0)

    if watches:
        watch(sources, recursive, run)
    elif code := run(False):
        raise click.exceptions.Exit(code)


def _exit_code(counts: Counts, is_larger: bool) -> int:
    if counts.failed:
        return FAILED
    if counts.missed:
        return BELOW_QUALITY
    return NOT_SMALLER if is_larger else 0


def _check_targets(
    output: str | None, as_png: bool, replaces: bool, *, force: bool, dry: bool
) -> None:
    """Refuse options that leave open, or contradict, what may be replaced.

    Raises
    ------
    click.UsageError
    """
    if replaces and not as_png:
        raise click.UsageError("--replace needs -t png: kmc does not delete sources of .kmc files")
    if replaces and output is not None:
        raise click.UsageError("--replace and -o exclude each other")
    if replaces and force:
        raise click.UsageError("--replace excludes --force and --update, which are for results")
    if as_png and not replaces and output is None:
        raise click.UsageError("-t png needs -o FOLDER, or --replace to replace the sources")
    if dry:
        raise click.UsageError("--dry-run and --watch exclude each other")


def _files_request(
    as_png: bool, colors: int | None, quality: str | None, lossless: bool, **options: Any
) -> FileRequest:
    """Build the request for images of too many colours to be kept exactly.

    Raises
    ------
    click.UsageError
        For wrong options, and for those that exclude each other.
    """
    reducing = {
        "-k": colors is not None,
        "--quality": quality is not None,
        "--dither": options["dither"] != NO_DITHER,
    }
    for name, given in reducing.items():
        if lossless and given:
            raise click.UsageError(f"--lossless and {name} exclude each other")
    if as_png and options["effort"] != AUTO:
        raise click.UsageError("--effort is for .kmc files, not for -t png")
    if as_png and colors is not None and colors > MOST_ENTRIES:
        raise click.UsageError(f"-k {colors}: a PNG holds at most {MOST_ENTRIES} palette entries")
    if quality is None and colors is None:
        quality = DEFAULT_QUALITY
    if as_png:
        # The coder only guides the search, so a quick one will do.
        options["effort"] = "fast"
        colors = MOST_ENTRIES if colors is None else colors
    try:
        return FileRequest.of("optimize", colors, quality=quality, strict=True, **options)
    except KmcInputError as error:
        raise click.UsageError(str(error)) from error


def _only_changed(plan: OptimizePlan, made: dict[str, tuple[int, ...]]) -> OptimizePlan:
    """Return the plan for files that changed since they were looked at."""
    states = _states_of(plan)
    jobs = [job for job in plan.jobs if made.get(job.source) != states[job.source]]
    return OptimizePlan(jobs, 0)


def _states_of(plan: OptimizePlan) -> dict[str, tuple[int, ...]]:
    return {job.source: _state_of(job.source) for job in plan.jobs}


def _state_of(path: str) -> tuple[int, ...]:
    try:
        return state_of(os.stat(path))
    except OSError:
        return ()


def _run(
    plan: OptimizePlan, request: OptimizeRequest, workers: int | None, reporter: OptimizeReporter
) -> Counts:
    """Do the work, and report it."""
    work: Callable[[Job], OptimizeReport]
    if len(plan.jobs) == 1:
        work = with_steps(
            lambda job, steps: optimize_job(job, request, steps), hidden=reporter.quiet
        )
    else:
        work = functools.partial(optimize_job, request=request)
    with executor_for(plan.jobs, workers) as executor:
        counts = run_jobs(
            plan.jobs,
            work,
            reporter.tell,
            "optimising",
            executor=executor,
            tell_error=reporter.tell_error,
            tell_skipped=reporter.tell_skipped,
        )
    reporter.tell_all(counts, plan.others)
    return counts
