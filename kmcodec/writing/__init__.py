"""Assemble strips and sections into the bytes of a `.kmc` file."""
