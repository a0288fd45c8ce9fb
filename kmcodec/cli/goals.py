"""The options of `kmc encode` that ask for a quality or a size."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kmcodec.batch.planning import Job
from kmcodec.cli.common import options_of
from kmcodec.cli.help import Command
from kmcodec.cli.printable import printable
from kmcodec.cli.types import ByteSize

__all__ = ["DEFAULT_TOLERANCE", "GoalCommand", "Steps", "goal_options", "with_steps"]

DEFAULT_TOLERANCE = 0.1

# Seconds after which progress is shown, and roughly how many steps the work has.
_PATIENCE = 2.0
_STEPS = 8

_F = TypeVar("_F", bound=Callable[..., Any])
_R = TypeVar("_R")


class GoalCommand(Command):
    """A command whose `--rdo` takes the next argument only if it is a number."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for i, word in enumerate(args):
            if word == "--":
                break
            if word == "--rdo" and not _is_number(args[i + 1 : i + 2]):
                args[i] = f"--rdo={DEFAULT_TOLERANCE}"
        return super().parse_args(ctx, args)


class Steps:
    """Show the progress of slow work on a terminal; call it after each step.

    Give it the finished share of the work, from 0 to 1, where known.
    """

    def __init__(self, label: str, hidden: bool) -> None:
        self._hidden = hidden or not sys.stderr.isatty()
        self._label = printable(label)
        self._started = time.monotonic()
        self._done = 0
        self._bar: Any = None

    def __call__(self, share: float | None = None) -> None:
        self._done += 1
        if self._hidden or time.monotonic() - self._started < _PATIENCE:
            return
        if share is not None:
            if self._bar is None:
                self._bar = click.progressbar(length=100, label=self._label, file=sys.stderr)
            self._bar.update(int(100 * share) - self._bar.pos)
            return
        if self._bar is None:
            length = max(_STEPS, 2 * self._done)
            self._bar = click.progressbar(length=length, label=self._label, file=sys.stderr)
            self._bar.update(self._done)
        elif self._bar.pos + 1 < self._bar.length:
            self._bar.update(1)

    def finish(self) -> None:
        """Clear the progress from the terminal."""
        if self._bar is not None:
            self._bar.finish()
            click.echo("\r\x1b[K", nl=False, err=True)


def with_steps(work: Callable[[Job, Steps], _R], *, hidden: bool) -> Callable[[Job], _R]:
    """Return the work on a job in this process, with its progress on a terminal."""

    def work_here(job: Job) -> _R:
        steps = Steps(os.path.basename(job.source), hidden)
        try:
            return work(job, steps)
        finally:
            steps.finish()

    return work_here


def goal_options(command: _F) -> _F:
    """Add the options `quality`, `rdo`, `psnr`, `max_bytes` and `strict`."""
    return options_of(
        command,
        click.option(
            "--quality",
            metavar="N|MIN-MAX",
            help="Make the smallest file that looks so good, as SSIMULACRA2 measures it: 90 looks "
            "the same, 70 is high quality, 50 medium. With MIN-MAX aim at MAX, and write no file "
            "below MIN. -k as with --psnr. It also chooses --space and --dither, unless given.",
        ),
        click.option(
            "--rdo",
            type=click.FloatRange(0, 20),
            is_flag=False,
            flag_value=DEFAULT_TOLERANCE,
            metavar="[DB]",
            help="Choose indices by their coding cost: make the smallest file whose PSNR is at "
            "most DB decibels below that of the nearest entries. "
            f"[{DEFAULT_TOLERANCE} if DB is not given]",
        ),
        click.option(
            "--psnr",
            type=click.FloatRange(0, 100),
            metavar="DB",
            help="Make the smallest file with at least this PSNR. -k then sets the maximum "
            "number of palette entries. [default: 4,096]",
        ),
        click.option(
            "--max-bytes",
            type=ByteSize(),
            metavar="N",
            help="Make the file with the best PSNR in at most N bytes, such as 900, 12k, 1.5M or "
            "64Ki. -k as with --psnr.",
        ),
        click.option(
            "--strict",
            is_flag=True,
            help="Write no file if --quality, --psnr or --max-bytes cannot be reached. Otherwise "
            "the best possible file is written.",
        ),
    )


def _is_number(words: list[str]) -> bool:
    try:
        float(words[0])
    except (IndexError, ValueError):
        return False
    return True
