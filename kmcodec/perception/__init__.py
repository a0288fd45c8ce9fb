"""How alike two images look to people: SSIMULACRA2, version 2.1."""

from kmcodec.perception.frames import FramesReference
from kmcodec.perception.masking import price_weights
from kmcodec.perception.score import Reference, reference_for, ssimulacra2

__all__ = ["FramesReference", "Reference", "price_weights", "reference_for", "ssimulacra2"]
