"""Files, URLs and standard input and output: opened, read, replaced."""
