"""Coding methods 2 and 5: the additive coder (spec/additive.md).

Most pixels take one or two binary decisions. The weights of a few contexts are added to predict
each. `model.py` and the modules that it imports are the readable definition; `strip.h` and what it
includes do the same, compiled.
"""

from kmcodec.coding.additive.method import Additive
from kmcodec.coding.additive.profiles import PROFILES, Profile

__all__ = ["PROFILES", "Additive", "Profile"]
