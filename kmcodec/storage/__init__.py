"""Open, read and replace files, URLs, and standard input and output."""
