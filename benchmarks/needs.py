"""What a benchmark needs beside kmcodec: told before it begins, in a line."""

from __future__ import annotations

import importlib.util
import shutil
import sys

__all__ = ["need"]


def need(*modules: str, command: str | None = None) -> None:
    """End the script unless these modules, and a command, are installed."""
    if command and shutil.which(command) is None:
        sys.exit(f"{sys.argv[0]}: no command {command} here")
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        names = ", ".join(missing)
        sys.exit(f"{sys.argv[0]}: no module {names} here; pip install '.[test]' brings them all")
