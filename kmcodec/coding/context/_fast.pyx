# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The context coder, profile fast, compiled."""

# The numbers of PROFILES in profiles.py, here so that compilers know them.
cdef extern from *:
    """
    enum {
        FLAG_CONTEXTS = 2, TREE_CONTEXTS = 2, FLAG_PATTERNS = 2, TREE_PATTERNS = 2, SETS = 1,
        HISTORIES = 0, FLAGS = 2, TRUST = 0, LEAST_RUN = 16,
        RATE = 14, RATE_FIRST = 48, RATE_TIME = 8192, GEOMETRIES = 1, PAIRS = 0
    };
    """

include "model.pxi"
include "coder.pxi"
include "decision.pxi"
include "choice.pxi"
include "pixel.pxi"
include "tree.pxi"
include "strip.pxi"
