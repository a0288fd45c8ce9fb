# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The context coder, profile max, compiled."""

# The numbers of PROFILES in profiles.py, here so that compilers know them.
cdef extern from *:
    """
    enum {
        FLAG_CONTEXTS = 8, TREE_CONTEXTS = 27, FLAG_PATTERNS = 5, TREE_PATTERNS = 7, SETS = 8,
        HISTORIES = 1, FLAGS = 1, TRUST = 62259, LEAST_RUN = 64,
        RATE = 6, RATE_FIRST = 24, RATE_TIME = 4096, GEOMETRIES = 3, PAIRS = 2
    };
    """

include "model.pxi"
include "coder.pxi"
include "decision.pxi"
include "choice.pxi"
include "pixel.pxi"
include "tree.pxi"
include "strip.pxi"
