"""Read images, their frames or rows, and palettes from files of many formats."""
