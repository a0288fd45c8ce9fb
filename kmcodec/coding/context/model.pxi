# The model of the context coder, compiled; the constants of a profile come from what is
# included before this. Twin of model.py; the algorithm is specified in spec/context.md.

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    """
    #ifndef KMC_SOURCE_CRC
    #define KMC_SOURCE_CRC 0U
    #endif
    enum { DOMAIN = 2047, BORDER = 8, SLOT_LIMIT = 30, MAP_LIMIT = 255, TRUST_LIMIT = 1023,
           REFINE_RATE = 1311, FINAL_LIMIT = 524287, LEAST_ERROR = 512, CERTAIN = 64, RATE_LAST = 262144,
           WEIGHED = 14, KINDS = 18, RUN_MOST = 1024,
           STEP = 0x2F0B4C47,
           PIXELS = 1 << 13 };  // coded between two looks at whether to go on
    """
    enum:
        DOMAIN
        BORDER
        SLOT_LIMIT
        MAP_LIMIT
        TRUST_LIMIT
        REFINE_RATE
        FINAL_LIMIT
        LEAST_ERROR
        CERTAIN
        RATE_LAST
        WEIGHED
        KINDS
        RUN_MOST
        STEP
        PIXELS
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

# How often a candidate comes true that a context has seen so often in a row.
cdef uint16_t VOTES[32]
for _run, _votes in enumerate(
    [0, 8, 12, 14, 16, 17, 18, 19, 20, 20, 21, 21, 22, 22, 22, 22] + 8 * [24] + 7 * [25] + [26]
):
    VOTES[_run] = 10 * _votes

# Nine bits as digits in base 3, the lowest bit as the highest digit.
cdef uint16_t BASE_3[512]
for _bits in range(512):
    BASE_3[_bits] = sum(3 ** (8 - i) for i in range(9) if _bits >> i & 1)

cdef struct Slot:
    uint16_t p  # the probability of 1, its highest bit turned over: zeros mean one half
    uint8_t n
    uint8_t history  # zeros and ones seen, four bits each

cdef struct Head:
    uint16_t check
    uint16_t last
    uint16_t before
    uint8_t run  # how often `last` came in a row; 0 if the context is new
    uint8_t unused
    Slot flag[2]

cdef struct Line:
    Slot slot[16]  # the first holds the check

cdef struct Stage:
    int inputs
    int16_t *x  # the inputs; what pads them to a multiple of 8 stays zero
    int rate
    int learned
    int16_t *weights[SETS]
    int32_t *final
    uint32_t *runs
    uint32_t *histories
    uint32_t *distances
    uint32_t *pairs
    uint16_t *refinement

cdef struct Model

include "../choice.pxi"

# Nodes of the tree that a pixel has been asked about; see paths.pxi.
cdef struct Paths:
    uint32_t pixel
    uint32_t *asked
    uint16_t *chances
    Line blank

cdef struct Model:
    Choice *choice  # NULL if symbols are coded as they are
    Paths *paths
    int width
    int rows
    int bits
    int symbols
    # tables
    const uint16_t *squash
    const int16_t *stretch
    const int32_t *reciprocal
    const uint8_t *next
    # the colour tree
    const int16_t *color  # four coordinates a symbol, the last zero
    const uint8_t *hole
    const int32_t *axis
    const int32_t *middle
    const int32_t *scale
    # what is learned
    Stage flags
    Stage tree
    Head *heads
    Line *lines
    Slot *patterns
    int head_bits
    int line_bits
    uint32_t trust[128]
    uint32_t run_map[8 * 256]
    # rows of symbols with borders, this one and three above, and hashes along them
    uint16_t *buffer
    uint16_t *r0
    uint16_t *r1
    uint16_t *r2
    uint16_t *r3
    uint32_t *left
    uint32_t *low_window
    uint32_t *tall_window
    # the pixel
    int x
    int y
    int asked  # up to where a run was coded or refused
    int near[16]  # fifteen, and a zero
    int16_t med[4]
    int16_t average[4]
    int16_t learned[4]
    int16_t offset[WEIGHED][4]  # of the neighbours' colours from the average
    int32_t color_weight[WEIGHED]
    int activity
    int equality
    int comparison
    int candidate[2]
    int excluded[2]
    int rejected
    int strength[2]
    int foreseen  # the probability of the first candidate where it was predicted last, else 0
    uint32_t first_places  # where the first candidate is
    uint16_t *score
    Head *head[FLAG_CONTEXTS]
    uint16_t check[FLAG_CONTEXTS + TREE_CONTEXTS]
    Line *line[TREE_CONTEXTS]
    uint32_t hash[27]  # as many as any profile has of a sort
    # the decision
    int p
    int fraction
    int distance[3]
    int set[SETS]
    int dots[SETS]
    int16_t *chosen[SETS]
    int32_t *final
    uint16_t *refinement
    Slot *slot[FLAG_CONTEXTS + TREE_CONTEXTS]
    Slot *pattern[TREE_PATTERNS]
    uint32_t *run[FLAG_CONTEXTS]
    uint32_t *history[FLAG_CONTEXTS + TREE_CONTEXTS + TREE_PATTERNS]
    uint32_t *distance_map[3]
    uint32_t *pair[PAIRS + 1]  # one more than there are: none would be no array
    # the arithmetic coder
    uint32_t low
    uint32_t high
    uint32_t code
    const uint8_t *input
    uint8_t *output
    size_t size
    size_t room
    int failed
