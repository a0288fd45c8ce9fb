"""What is read: images, their frames or rows, and palettes, from whatever file holds them."""
