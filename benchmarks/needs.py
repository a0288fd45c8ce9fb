"""What a benchmark needs beside kmcodec: told before it begins, in a line."""

from __future__ import annotations

import functools
import importlib.util
import shutil
import sys

__all__ = ["is_there", "need"]


def need(*modules: str, command: str | None = None) -> None:
    """End the script unless these modules, and a command, are installed."""
    if command and shutil.which(command) is None:
        sys.exit(f"{sys.argv[0]}: no command {command} here")
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        names = ", ".join(missing)
        sys.exit(f"{sys.argv[0]}: no module {names} here; pip install '.[test]' brings them all")


@functools.cache
def is_there(module: str, package: str, what: str) -> bool:
    """Return whether a module is installed; a line says what is skipped without it."""
    found = importlib.util.find_spec(module) is not None
    if not found:
        print(f"Skipped: {what} (no module {module} here; pip install {package})")
    return found
