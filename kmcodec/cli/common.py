"""What several commands share: options, running many files, numbers in words."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from kmcodec.cli.exit_codes import FAILED, MISSED
from kmcodec.cli.printable import printable
from kmcodec.coding import AUTO, CODINGS, EFFORTS
from kmcodec.encoder import DEFAULT_CODING
from kmcodec.errors import KmcError, KmcGoalError
from kmcodec.planning import Job
from kmcodec.quantization import DEFAULT_LEVEL, DITHERS, INITS, LEVELS, SPACES
from kmcodec.reader import DEFAULT_MAX_PIXELS

__all__ = [
    "coding_options",
    "complain",
    "decibels",
    "kmeans_options",
    "max_pixels_option",
    "note",
    "run_all",
    "strip_option",
    "variable_option",
]

_F = TypeVar("_F", bound=Callable[..., Any])

variable_option = click.option(
    "--var", "variable", metavar="NAME", help="The variable of a .mat file that holds the image."
)

strip_option = click.option(
    "--strip", is_flag=True, help="Leave out metadata: ICC profile, EXIF, XMP, texts."
)

max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(0),
    metavar="N",
    default=DEFAULT_MAX_PIXELS,
    show_default=True,
    help="Refuse files that declare more pixels; 0 for no limit.",
)


def coding_options(command: _F) -> _F:
    """How indices are coded: `coding` and `effort`."""
    coding = click.option(
        "--coding",
        type=click.Choice(CODINGS),
        default=DEFAULT_CODING,
        show_default=True,
        help="How the indices are coded.",
    )
    effort = click.option(
        "--effort",
        type=click.Choice(EFFORTS),
        default=AUTO,
        show_default=True,
        help="How much time the context coder takes for a smaller file. auto: as much as decodes "
        "in about half a second.",
    )
    return coding(effort(command))


def kmeans_options(command: _F) -> _F:
    """The options of `quantize` that a command line can give, under their names."""
    options = [
        click.option(
            "--init",
            type=click.Choice(list(INITS)),
            default="pca",
            show_default=True,
            help="Where k-means starts.",
        ),
        click.option(
            "--search",
            type=click.IntRange(0, len(LEVELS) - 1),
            metavar="0-9",
            default=DEFAULT_LEVEL,
            show_default=True,
            help="How hard to search for a better palette: 0 as in a textbook, 9 takes seconds.",
        ),
        click.option(
            "--space",
            type=click.Choice(list(SPACES)),
            default="srgb",
            show_default=True,
            help="In which colour space distances are taken.",
        ),
        click.option(
            "--dither",
            type=click.Choice(["none", *DITHERS]),
            default="none",
            show_default=True,
            help="How entries are placed.",
        ),
        click.option(
            "--dither-amount",
            type=click.FloatRange(0, 1),
            metavar="0-1",
            default=1.0,
            show_default=True,
            help="How much of the error dithering makes up for.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0),
            metavar="N",
            default=0,
            show_default=True,
            help="For random starts; the same seed gives the same bytes.",
        ),
        click.option(
            "--iterations",
            type=click.IntRange(1),
            metavar="N",
            default=100,
            show_default=True,
            help="The most rounds that k-means takes.",
        ),
        click.option(
            "--restarts",
            type=click.IntRange(1),
            metavar="N",
            default=1,
            show_default=True,
            help="Starts of which the best is taken.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def run_all(jobs: Sequence[Job | KmcError], do: Callable[[Job], str | None], verb: str) -> None:
    """Do every job, tell what fails, and exit with 1 if anything did, else 3 if a goal was missed.

    Parameters
    ----------
    jobs : sequence of Job or KmcError
        An error stands for a file that cannot be done.
    do : callable
        Does one job and raises `KmcError` if it cannot; what it returns says by what it missed
        a goal.
    verb : str
        For the progress bar, which is shown for several jobs on a terminal.
    """
    failures = missed = 0
    hidden = len(jobs) < 2 or not sys.stderr.isatty()
    with click.progressbar(jobs, label=verb, file=sys.stderr, hidden=hidden) as bar:
        for job in bar:
            try:
                if isinstance(job, KmcError):
                    raise job
                shortfall = do(job)
                if shortfall:
                    missed += 1
                    complain(f"{job.source}: {shortfall}")
            except KmcGoalError as error:
                missed += 1
                complain(str(error))
            except KmcError as error:
                failures += 1
                complain(str(error))
    if failures and len(jobs) > 1:
        complain(f"{failures} of {len(jobs)} files failed")
    if failures or missed:
        raise click.exceptions.Exit(FAILED if failures else MISSED)


def complain(message: str) -> None:
    """Print an error in one line on standard error."""
    note("kmc: " + message.replace("\n", " "))


def note(line: str) -> None:
    """Print a line on standard error, clear of a progress bar that may stand there."""
    clear = "\r\x1b[K" if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else ""
    click.echo(clear + printable(line), err=True)


def decibels(value: float) -> str:
    """A PSNR in words."""
    return "lossless" if math.isinf(value) else f"PSNR {value:.2f} dB"
