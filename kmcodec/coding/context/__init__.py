"""Coding methods 2 to 4: the context coder (spec/context.md).

Every pixel takes a few binary decisions. Many adaptive models predict each decision, a mixer
combines their predictions, and an arithmetic coder codes it. `model.py` and the modules that it
imports are the readable definition; the `.pxi` files do the same, compiled for each profile.
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
