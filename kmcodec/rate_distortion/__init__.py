"""Smallest file at a stated quality: indices chosen by what they cost to code.

The coder's own model tells the cost (`kmcodec.coding.context.choice`); here is found how dear a bit
has to be for an image to keep within a tolerance, reach a quality or fit into a size.
"""

from kmcodec.rate_distortion.builders import FramesBuilder
from kmcodec.rate_distortion.goal import Goal
from kmcodec.rate_distortion.goals import Outcome
from kmcodec.rate_distortion.optimize import Subject, meet, optimize

__all__ = ["FramesBuilder", "Goal", "Outcome", "Subject", "meet", "optimize"]
