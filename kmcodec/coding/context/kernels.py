"""The compiled model of each profile, by name; empty where they are not there.

The environment variable KMC_COMPILED, set to 0, keeps the twin in Python in use.
"""

# mypy does not see into compiled modules.
# mypy: disable-error-code="import-not-found, attr-defined"

from __future__ import annotations

import os
from typing import Any

__all__ = ["COMPILED", "MODELS"]

MODELS: dict[str, Any] = {}

if os.environ.get("KMC_COMPILED") != "0":
    try:
        from kmcodec.coding.context import _default, _fast, _max

        MODELS = {"fast": _fast, "default": _default, "max": _max}
    except ImportError:
        pass

COMPILED = bool(MODELS)
