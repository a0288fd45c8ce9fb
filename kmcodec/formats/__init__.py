"""Other formats: MATLAB, NumPy, Pillow's images, colour profiles, palette files."""
