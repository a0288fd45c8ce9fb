"""The compiled models by name of their profile, and the coder of palettes.

Without compiled kernels there are no models, and the coder is None.

Set the environment variable KMC_COMPILED to 0 to use the twins in Python.
"""

# mypy does not see into compiled modules.
# mypy: disable-error-code="import-not-found, attr-defined"

from __future__ import annotations

import os
from typing import Any

__all__ = ["MODELS", "PALETTE"]

MODELS: dict[str, Any] = {}
PALETTE: Any = None

if os.environ.get("KMC_COMPILED") != "0":
    try:
        from kmcodec.coding.context import _default, _max, _palette

        MODELS = {"default": _default, "max": _max}
        PALETTE = _palette
    except ImportError:
        pass
