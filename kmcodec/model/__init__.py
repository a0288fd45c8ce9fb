"""The values that everything else speaks of: images, palettes, pixels, labels."""
