"""Strips and sections put together to the bytes of a `.kmc` file."""
