"""The exit codes of `kmc`; its help lists them too."""

FAILED, USAGE, MISSED, INTERRUPTED = 1, 2, 3, 130
