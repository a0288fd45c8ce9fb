"""Handle Ctrl-C while the command line starts: one line and exit code 130, as later.

Importing NumPy, Pillow and SciPy takes most of that time. An exception raised inside these imports
ends in a traceback, or is lost in compiled code. Nothing has been written by then, so the process
can end at once.

This module imports nothing heavy, and `kmcodec/__init__.py` imports it before all else.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

__all__ = ["end_at_once_on_interrupt", "is_command_line", "raise_on_interrupt"]

_COMMANDS = frozenset({"kmc", "kmcodec", "kmc.exe", "kmcodec.exe"})
_INTERRUPTED = 130


def is_command_line() -> bool:
    """Whether this process was started as ``kmc``, ``kmcodec`` or ``python -m kmcodec``.

    False for worker processes that one of these has started.
    """
    given, name = sys.orig_argv, (getattr(sys, "argv", None) or [""])[0]
    if name == "-m":  # Python is still looking for the module to run
        return "kmcodec" in given and given[given.index("kmcodec") - 1] == "-m"
    return name in given and os.path.basename(name).lower() in _COMMANDS


def end_at_once_on_interrupt() -> None:
    """Let Ctrl-C end the process, unless its parent made it ignore Ctrl-C."""
    try:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _end_at_once)
    except ValueError:
        pass  # only the main thread may do this


def raise_on_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again, so that `finally` blocks clean up."""
    if signal.getsignal(signal.SIGINT) is _end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_at_once(number: int, frame: object) -> NoReturn:
    try:
        os.write(2, b"kmc: interrupted\n")
    finally:
        os._exit(_INTERRUPTED)


if is_command_line():
    end_at_once_on_interrupt()
