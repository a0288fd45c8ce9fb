"""Coding method 6: the label coder (spec/labels.md).

It is made for maps of labels, in images and in volumes. `model.py` is the readable definition;
`map.h` does the same, compiled.
"""

from kmcodec.coding.labels.method import Labels

__all__ = ["Labels"]
