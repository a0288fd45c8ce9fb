"""The compiled strip of the label coder, or None; see kmcodec.coding.context.kernels."""

# mypy does not see into compiled modules.
# mypy: disable-error-code="import-not-found, attr-defined"

from __future__ import annotations

import os
from typing import Any

__all__ = ["MAP"]

MAP: Any = None

if os.environ.get("KMC_COMPILED") != "0":
    try:
        from kmcodec.coding.labels import _map

        MAP = _map
    except ImportError:
        pass
