"""The options of the codecs for numcodecs and Zarr."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kmcodec.errors import KmcInputError

__all__ = ["DEFAULT_EFFORT", "checked_options"]

DEFAULT_EFFORT = "fast"
"""Effort of both codecs: a reader decodes each chunk that its window touches, often many times."""

_OPTIONS = ("coding", "effort")


def checked_options(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a configuration to keyword arguments of a codec.

    Raises
    ------
    KmcInputError
        If an option is unknown.
    """
    unknown = [str(name) for name in configuration if name not in _OPTIONS]
    if unknown:
        raise KmcInputError(
            f"the codec has no option {', '.join(unknown)}, only {' and '.join(_OPTIONS)}"
        )
    return dict(configuration)
