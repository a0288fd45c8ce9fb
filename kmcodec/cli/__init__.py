"""The command line: `kmc`, also installed as `kmcodec`."""

from kmcodec.cli.app import main

__all__ = ["main"]
