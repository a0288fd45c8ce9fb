"""Several frames in one `.kmc` file: the value, its encoder and its reader."""
