"""Options, error lines and number formats that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from kmcodec.cli.process import note
from kmcodec.cli.types import Color
from kmcodec.coding import CODINGS, EFFORTS
from kmcodec.model.image import MAX_COLORS
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.quantization import DITHERS, INITS, LEVELS, NO_DITHER, SPACES, Placing, Search
from kmcodec.writing.assembly import Assembly

__all__ = [
    "coding_options",
    "colors_option",
    "complain",
    "counted",
    "decibels",
    "dither_options",
    "force_option",
    "json_option",
    "kmeans_options",
    "likeness",
    "max_pixels_option",
    "note",
    "options_of",
    "quiet_option",
    "search_options",
    "strip_option",
    "times_of",
    "variable_option",
]

_F = TypeVar("_F", bound=Callable[..., Any])

variable_option = click.option(
    "--var",
    "variable",
    metavar="NAME",
    help="The variable of a .mat file, or the array of a .npz file, that holds the image.",
)

strip_option = click.option(
    "--strip", is_flag=True, help="Drop all metadata: ICC profile, EXIF, XMP, texts."
)

force_option = click.option(
    "-f",
    "--force",
    is_flag=True,
    help="Replace existing output files. Input files are never replaced.",
)

quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print errors only.")

max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(0),
    metavar="N",
    default=DEFAULT_MAX_PIXELS,
    show_default=True,
    callback=lambda context, parameter, value: value or None,
    help="Refuse files that declare more pixels, counting all frames; 0 for no limit.",
)


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="For each source, print a line with a JSON object to standard output: 'source', and the "
    "result, 'error' or 'skipped'.",
)


def colors_option(meaning: str, default: int | None = None) -> Callable[[_F], _F]:
    """Return the option `-k`, a number of palette entries, with this help text."""
    return click.option(
        "-k",
        "--colors",
        type=click.IntRange(1, MAX_COLORS),
        default=default,
        show_default=default is not None,
        metavar="N",
        help=meaning,
    )


def options_of(command: _F, *options: Callable[[_F], _F]) -> _F:
    """Add options to a command; its help lists them in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def coding_options(command: _F) -> _F:
    """Add the options for coding indices: `coding` and `effort`."""
    return options_of(
        command,
        click.option(
            "--coding",
            type=click.Choice(CODINGS),
            default=Assembly.coding,
            show_default=True,
            help="How the indices are coded. labels: for maps of labels, quick.",
        ),
        click.option(
            "--effort",
            type=click.Choice(EFFORTS),
            default=Assembly.effort,
            show_default=True,
            help="Time to spend on a smaller file, in encoding and decoding. auto: the strongest "
            "effort that kmc decodes in about half a second on one core; labels get --coding "
            "labels.",
        ),
    )


def search_options(command: _F) -> _F:
    """Add the options of `quantize` for the palette search, under their names."""
    return options_of(
        command,
        click.option(
            "--init",
            type=click.Choice(list(INITS)),
            default=Search.init,
            show_default=True,
            help="The starting points of k-means.",
        ),
        click.option(
            "--search",
            type=click.IntRange(0, len(LEVELS) - 1),
            metavar="LEVEL",
            default=Search.search,
            show_default=True,
            help="How hard to search for a better palette: 0 is textbook k-means, 9 takes seconds.",
        ),
        click.option(
            "--space",
            type=click.Choice(list(SPACES)),
            default=Search.space,
            show_default=True,
            help="The colour space in which distances are measured.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0),
            metavar="N",
            default=Search.seed,
            show_default=True,
            help="Seed of the random starts; the same seed gives the same bytes.",
        ),
        click.option(
            "--iterations",
            type=click.IntRange(1),
            metavar="N",
            default=Search.iterations,
            show_default=True,
            help="The maximum number of rounds of k-means.",
        ),
        click.option(
            "--restarts",
            type=click.IntRange(1),
            metavar="N",
            default=Search.restarts,
            show_default=True,
            help="Number of times to start k-means; the best result is kept.",
        ),
        click.option(
            "--keep",
            type=Color(),
            multiple=True,
            default=Search.keep,
            metavar="COLOR",
            help="Put this colour into the palette exactly, such as '#e63946', and search for the "
            "other entries. Repeat it for several colours.",
        ),
    )


def dither_options(command: _F) -> _F:
    """Add the options of `quantize` for dithering, under their names."""
    return options_of(
        command,
        click.option(
            "--dither",
            type=click.Choice([NO_DITHER, *DITHERS]),
            default=Placing.dither,
            show_default=True,
            help="The dithering method.",
        ),
        click.option(
            "--dither-amount",
            type=click.FloatRange(0, 1),
            metavar="SHARE",
            default=Placing.dither_amount,
            show_default=True,
            help="The share of the error that dithering makes up for; 1 is noisiest.",
        ),
    )


def kmeans_options(command: _F) -> _F:
    """Add the options of `quantize` for dithering and the search, under their names."""
    return search_options(dither_options(command))


def complain(message: str) -> None:
    """Print an error in one line on standard error."""
    note("kmc: " + message.replace("\n", " "))


def times_of(before: int, after: int) -> str:
    """Say how many times smaller or larger a file is than its source.

    Parameters
    ----------
    before, after : int
        Bytes.
    """
    if after <= before:
        return f"{before / after:.1f} times smaller"
    return f"{after / before:.1f} times larger"


def likeness(score: float | None) -> str:
    """Format a score of SSIMULACRA2 to follow a PSNR; nothing for 100, or without one."""
    return "" if score is None or score == 100 else f", SSIMULACRA2 {score:.1f}"


def counted(number: int, what: str) -> str:
    """Return a number and what it counts, such as ``1 colour`` and ``1,024 colours``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def decibels(value: float, losses: Sequence[str] = ()) -> str:
    """Format a PSNR; `losses` lists what the pixels lost before it was measured."""
    if math.isfinite(value):
        return f"PSNR {value:.2f} dB"
    return "exact but for what is noted" if losses else "lossless"
