"""Let the command line start without looking for garbage, which takes a seventh of its start.

Imports make many objects that stay, and Python would look through them again and again.

`kmcodec/__init__.py` imports this module before slow ones.
"""

from __future__ import annotations

import gc

from kmcodec.interrupts import is_command_line

__all__ = ["collect_from_now_on"]


def collect_from_now_on() -> None:
    """Look for garbage again, but not among what was imported."""
    gc.freeze()
    gc.enable()


if is_command_line():
    gc.disable()
