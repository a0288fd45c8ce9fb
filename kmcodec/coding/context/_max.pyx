# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The context coder, profile max, compiled."""

cdef extern from *:
    """
    enum { FLAG_CONTEXTS = 8, TREE_CONTEXTS = 28, PATTERNS = 5, SETS = 8, HISTORIES = 1, FLAGS = 1, TRUST = 62259, LEAST_RUN = 64, RATE = 6, RATE_FIRST = 24, RATE_TIME = 4096, GEOMETRIES = 2 };
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
