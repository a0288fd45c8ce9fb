"""The values that all other packages use: images, palettes, pixels, labels."""
