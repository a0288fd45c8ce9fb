"""Coding methods 2 to 4: the context coder (spec/context.md).

Every pixel takes a few binary decisions; each is predicted by many adaptive models, whose opinions
are mixed, and then arithmetic-coded. `model.py` and the modules that it imports are the readable
definition; the `.pxi` files are the same, compiled once for each profile.
"""

from kmcodec.coding.context.choice import Criterion
from kmcodec.coding.context.kernels import COMPILED
from kmcodec.coding.context.method import Context
from kmcodec.coding.context.palette import decode_palette, encode_palette
from kmcodec.coding.context.profiles import PROFILES, Profile

__all__ = [
    "COMPILED",
    "PROFILES",
    "Context",
    "Criterion",
    "Profile",
    "decode_palette",
    "encode_palette",
]
