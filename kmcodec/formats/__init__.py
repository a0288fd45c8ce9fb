"""Formats of others: MATLAB, NumPy, Pillow's images, colour profiles, lists of colours."""
