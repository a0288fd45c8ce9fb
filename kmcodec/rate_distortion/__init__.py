"""The smallest file at a given quality: choose indices by their cost of coding.

The coder's own model gives the cost (`kmcodec.coding.choice`). This package finds the
price of a bit at which an image keeps within a tolerance, reaches a quality or fits into a size.
"""

from kmcodec.rate_distortion.builders import FramesBuilder
from kmcodec.rate_distortion.goal import Goal
from kmcodec.rate_distortion.goals import Outcome
from kmcodec.rate_distortion.optimize import Subject, meet, optimize

__all__ = ["FramesBuilder", "Goal", "Outcome", "Subject", "meet", "optimize"]
