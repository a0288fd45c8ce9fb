"""The bytes of a `.kmc` file taken apart: read, salvaged, inspected, shown in hexadecimal."""
