"""`kmc encode`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

import click

from kmcodec.batch.encoding import encode_job
from kmcodec.batch.file_request import FileRequest
from kmcodec.batch.planning import Job, plan
from kmcodec.batch.pool import run_each
from kmcodec.batch.shared_palettes import ColorSum, count_job
from kmcodec.cli.common import (
    coding_options,
    colors_option,
    force_option,
    json_option,
    kmeans_options,
    max_pixels_option,
    quiet_option,
    strip_option,
    variable_option,
)
from kmcodec.cli.goals import GoalCommand, goal_options, with_steps
from kmcodec.cli.many import (
    as_sent,
    check_cluster,
    executor_for,
    jobs_option,
    recursive_option,
    run_jobs,
    scheduler_option,
)
from kmcodec.cli.reports import Reporter
from kmcodec.cli.types import FILE_NAME
from kmcodec.errors import KmcError, KmcInputError, warn
from kmcodec.sources.palettes import read_palette
from kmcodec.storage.door import STANDARD
from kmcodec.writing.strips import MAX_STRIP_ROWS

EXAMPLES = """
    kmc encode bird.png -k 16 -o bird.kmc
    kmc encode photo.png -k 64 --rdo              # smaller, for 0.1 dB
    kmc encode photo.png --quality 70             # the smallest that looks good
    kmc encode photo.png --max-bytes 30k          # the best in 30,000 bytes
    kmc encode icons/ -r -o packed/ --shared-palette -k 32
    kmc encode waves.gif                          # with all frames
    kmc encode mask.png --labels                  # ids, not colours
"""


@click.command(cls=GoalCommand, examples=EXAMPLES)
@click.argument("sources", metavar="SRC...", type=FILE_NAME, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="OUT",
    help="The .kmc file to write; a folder for several sources; - for standard output. "
    "[default: a file beside each source]",
)
@colors_option("Number of palette entries. [default: 256; a palette image keeps its own]")
@click.option(
    "--palette",
    type=FILE_NAME,
    metavar="PALETTE",
    help="Use these colours instead of a search: a .kmc, .gpl, .hex, .act, .aco, .ase, "
    ".pal or .txt file, an image, or a list such as '#1d3557,#e63946,#f1faee'.",
)
@click.option(
    "--shared-palette",
    is_flag=True,
    help="Find one palette for all sources together, as 'kmc palette' does.",
)
@click.option(
    "--frame-palettes",
    is_flag=True,
    help="Find a palette of N entries for each frame of an animation. By default all frames share "
    "one; with more entries, that usually looks better for the same bytes.",
)
@click.option(
    "--reorder",
    is_flag=True,
    help="Sort the palette of a palette image from dark to bright and drop unused and duplicate "
    "entries: a smaller file with the same pixels.",
)
@click.option(
    "--labels",
    is_flag=True,
    help="Keep every value of a one-channel image, an array or a volume as a label, whatever it "
    "looks like. The pages of a TIFF are a volume; of palette images the indices are the labels.",
)
@coding_options
@click.option(
    "--strip-rows",
    type=click.IntRange(0, MAX_STRIP_ROWS),
    metavar="N",
    help="Rows in each independently coded strip; 0 for one strip. [default: one strip up to 4 "
    "megapixels, above that strips of 2 to 16 megapixels, coded in threads]",
)
@goal_options
@kmeans_options
@variable_option
@recursive_option
@jobs_option
@scheduler_option
@click.option("--skip-existing", is_flag=True, help="Skip sources whose output file exists.")
@click.option(
    "--skip-if-larger", is_flag=True, help="Write only files that are smaller than their source."
)
@strip_option
@max_pixels_option
@force_option
@quiet_option
@json_option
def encode(
    sources: tuple[str, ...],
    output: str | None,
    colors: int | None,
    palette: str | None,
    shared_palette: bool,
    frame_palettes: bool,
    recursive: bool,
    workers: int | None,
    scheduler: str | None,
    skip_existing: bool,
    force: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Encode images as .kmc files.

    SRC is a .mat, .npy, .npz or .kmc file, any image that Pillow reads, a folder of such files, a
    URL of a file or folder, or - for standard input. Animations (GIF, PNG, WebP) keep all frames,
    with one palette; --quality, --rdo, --psnr and --max-bytes apply to all frames together. For
    each file a line gives its size before and after; for several files a last line gives the
    totals.

    One-channel images of signed integers, or of integers with more than 8 bits, are label maps if
    they have at most 256 values or mostly equal neighbours: every label is kept. Other 16-bit
    samples are reduced to 8 bits. --labels keeps every value of any image of integers.

    Without --quality, --rdo, --psnr and --max-bytes, .npy files of more than 16 megapixels are read
    row by row and need little memory; so are PNG and TIFF files if pyvips is installed.
    """
    if as_json and output == STANDARD:
        raise click.UsageError("--json excludes '-o -': both write to standard output")
    if shared_palette and (palette is not None or options["reorder"] or options["labels"]):
        raise click.UsageError("--shared-palette excludes --palette, --reorder and --labels")
    if shared_palette and STANDARD in sources:
        raise click.UsageError(
            "--shared-palette cannot read standard input: it reads each source twice"
        )
    if frame_palettes and (shared_palette or palette is not None or _has_goal(options)):
        raise click.UsageError(
            "--frame-palettes excludes --palette, --shared-palette, --quality, --rdo, --psnr "
            "and --max-bytes"
        )
    request = _request_of(colors, palette, frame_palettes, options)
    check_cluster(scheduler, workers, sources, output)
    jobs = plan(
        sources,
        output,
        ".kmc",
        force=force,
        recursive=recursive,
        skip_existing=skip_existing,
        kept=[] if palette is None else [palette],
    )
    reporter = Reporter(as_json, quiet)
    work_here = with_steps(lambda job, steps: encode_job(job, request, steps), hidden=quiet)
    with executor_for(jobs, workers, scheduler) as executor:
        if shared_palette:
            request = _with_shared_palette(request, jobs, executor)
        work = functools.partial(encode_job, request=request)
        counts = run_jobs(
            jobs,
            work_here if len(jobs) == 1 and scheduler is None else work,
            reporter.tell,
            "encoding",
            executor=executor,
            tell_error=reporter.tell_error,
            tell_skipped=reporter.tell_skipped,
        )
    reporter.tell_all(counts)
    counts.exit()


def _has_goal(options: dict[str, Any]) -> bool:
    return any(options[name] is not None for name in ("quality", "rdo", "psnr", "max_bytes"))


def _request_of(
    colors: int | None, palette: str | None, frame_palettes: bool, options: dict[str, Any]
) -> FileRequest:
    """Build the request from the options; raise a usage error for invalid ones."""
    if colors is not None and palette is not None:
        raise click.UsageError("-k and --palette exclude each other")
    if options["reorder"] and palette is not None:
        raise click.UsageError("--reorder and --palette exclude each other")
    entries = None if palette is None else read_palette(palette, max_pixels=options["max_pixels"])
    palettes = "frame" if frame_palettes else "shared"
    try:
        return FileRequest.of("encode", colors, palette=entries, palettes=palettes, **options)
    except KmcInputError as error:
        raise click.UsageError(str(error)) from error


def _with_shared_palette(
    request: FileRequest, jobs: Sequence[Job | KmcError], executor: tuple[Executor | None, int]
) -> FileRequest:
    """Return the request with one palette for all readable sources, skipped ones included.

    Warnings about skipped sources appear here, warnings about others when they are encoded.
    """
    total = ColorSum()
    count = functools.partial(count_job, variable=request.variable, max_pixels=request.max_pixels)
    readable = [job for job in jobs if isinstance(job, Job)]
    sent = (as_sent(job, executor[0]) for job in readable)
    counted = run_each(count, sent, executor[0], workers=executor[1])
    for job, done in zip(readable, counted, strict=True):
        for warning in done.notes if job.skip else ():
            warn(warning)
        if done.value is not None:  # else encoding it reports the error
            total.add(done.value)
    if not total:
        return request
    quantizing = request.encoding.quantizing
    found = quantizing.with_palette(total.find_palette(quantizing))
    return replace(request, encoding=replace(request.encoding, quantizing=found))
