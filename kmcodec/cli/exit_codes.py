"""What the exit codes of `kmc` mean; its help tells them too."""

FAILED, USAGE, MISSED, INTERRUPTED = 1, 2, 3, 130
