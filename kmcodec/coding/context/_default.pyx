# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The context coder, profile default, compiled."""

cdef extern from *:
    """
    enum { FLAG_CONTEXTS = 5, TREE_CONTEXTS = 4, PATTERNS = 3, SETS = 3, HISTORIES = 0, FLAGS = 2, TRUST = 0, LEAST_RUN = 32, RATE = 14, RATE_FIRST = 48, RATE_TIME = 8192, GEOMETRIES = 1 };
    """
    enum:
        FLAG_CONTEXTS
        TREE_CONTEXTS
        PATTERNS
        SETS
        HISTORIES
        FLAGS
        TRUST
        LEAST_RUN
        RATE
        RATE_FIRST
        RATE_TIME
        GEOMETRIES

include "model.pxi"
include "coder.pxi"
include "decision.pxi"
include "pixel.pxi"
include "strip.pxi"
