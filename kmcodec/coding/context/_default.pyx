# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The context coder, profile default, compiled."""

include "profile_default.pxi"
include "model.pxi"
include "coder.pxi"
include "decision.pxi"
include "paths.pxi"
include "pixel.pxi"
include "tree.pxi"
include "strip.pxi"
