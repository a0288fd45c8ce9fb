"""How alike two images look to people: SSIMULACRA2, version 2.1."""

from kmcodec.perception.frames import FramesReference
from kmcodec.perception.score import Reference, reference_for, ssimulacra2

__all__ = ["FramesReference", "Reference", "reference_for", "ssimulacra2"]
