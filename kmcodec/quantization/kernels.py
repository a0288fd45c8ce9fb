"""The compiled kernels; None in place of each that is not available.

Each has a twin in NumPy or Python that gives the same results. Set the environment variable
KMC_COMPILED to 0 to use the twins.
"""

# mypy does not see into compiled modules.
# mypy: disable-error-code="import-not-found, no-redef"

from __future__ import annotations

import os
from typing import Any

__all__ = [
    "COMPILED",
    "Cells",
    "ColorCounter",
    "Entries",
    "FilterTree",
    "add_squares",
    "step_gains",
]

FilterTree: Any = None
ColorCounter: Any = None
Cells: Any = None
Entries: Any = None
add_squares: Any = None
step_gains: Any = None
COMPILED = False

if os.environ.get("KMC_COMPILED") != "0":
    try:
        from kmcodec.quantization._dither import Entries
        from kmcodec.quantization._filter import FilterTree
        from kmcodec.quantization._histogram import ColorCounter
        from kmcodec.quantization._rounding import step_gains
        from kmcodec.quantization._split import Cells
        from kmcodec.quantization._squares import add_squares

        COMPILED = True
    except ImportError:
        FilterTree = ColorCounter = Cells = Entries = add_squares = step_gains = None
