"""Coding methods 3 and 4: the context coder (spec/context.md).

Every pixel takes a few binary decisions. Many adaptive models predict each decision, a mixer
combines their predictions, and an arithmetic coder codes it. `model.py` and the modules that it
imports are the readable definition; the `.pxi` files do the same, compiled for each profile.
"""

from kmcodec.coding.context.method import Context
from kmcodec.coding.context.palette import decode_palette, encode_palette
from kmcodec.coding.context.profiles import PROFILES, Profile

__all__ = ["PROFILES", "Context", "Profile", "decode_palette", "encode_palette"]
