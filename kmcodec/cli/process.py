"""Standard streams, which may be closed, and signals of the process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

import click

from kmcodec.cli.printable import printable

__all__ = ["end_cleanly_on_signals", "note", "open_missing_streams"]


def open_missing_streams() -> None:
    """Open standard streams that the caller closed, so that no other file gets their numbers.

    Reading standard input and writing standard output then fail, as they should; messages are
    lost.
    """
    ways = {"stdin": os.O_WRONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}
    for number, (name, way) in enumerate(ways.items()):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, way)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def end_cleanly_on_signals() -> None:
    """On termination signals run every `finally`, as on Ctrl-C; exit with code 128 + number."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # A caller that ignores the signal (nohup) does so on purpose.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def note(line: str) -> None:
    """Print a line on standard error, clear of any progress bar.

    If it cannot be written, the work goes on.
    """
    clear = "\r\x1b[K" if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else ""
    with contextlib.suppress(OSError):
        click.echo(clear + printable(line), err=True)
