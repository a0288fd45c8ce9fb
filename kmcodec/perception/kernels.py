"""The compiled planes; None in place of them if they are not available.

Their twin is `planes`. Set the environment variable KMC_COMPILED to 0 to use the twin.
"""

# mypy does not see into compiled modules.
# mypy: disable-error-code="import-not-found, no-redef"

from __future__ import annotations

import os
from typing import Any

__all__ = ["COMPILED", "compiled"]

compiled: Any = None
COMPILED = False

if os.environ.get("KMC_COMPILED") != "0":
    try:
        import kmcodec.perception._planes as compiled

        COMPILED = True
    except ImportError:
        compiled = None
