"""The compiled models by name of their profile; empty if they are not available.

Set the environment variable KMC_COMPILED to 0 to use the twins in Python.
"""

# mypy does not see into compiled modules.
# mypy: disable-error-code="import-not-found, attr-defined"

from __future__ import annotations

import os
from typing import Any

__all__ = ["MODELS"]

MODELS: dict[str, Any] = {}

if os.environ.get("KMC_COMPILED") != "0":
    try:
        from kmcodec.coding.context import _default, _max

        MODELS = {"default": _default, "max": _max}
    except ImportError:
        pass
