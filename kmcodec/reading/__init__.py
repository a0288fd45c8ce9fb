"""Read, salvage and inspect the bytes of a `.kmc` file, or show them in hexadecimal."""
