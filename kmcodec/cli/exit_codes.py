"""The exit codes of `kmc`; its help lists them too."""

FAILED, USAGE, MISSED, INTERRUPTED = 1, 2, 3, 130

NOT_SMALLER, BELOW_QUALITY = 98, 99
"""Of `kmc optimize`, as of pngquant, whose place in scripts it takes."""
