"""Fit metadata to an image with other channels than their source."""

from __future__ import annotations

from dataclasses import replace

from kmcodec.errors import KmcLossWarning, warn
from kmcodec.formats.icc import is_grey_profile
from kmcodec.model.image import Metadata

__all__ = ["fitting_metadata"]


def fitting_metadata(metadata: Metadata, channels: int) -> Metadata:
    """Drop a grey profile from the metadata of a colour image.

    Parameters
    ----------
    metadata : Metadata
    channels : int
        Number of channels of the palette to write.

    Warns
    -----
    KmcLossWarning
        If a profile is dropped.
    """
    if channels < 3 or metadata.icc is None or not is_grey_profile(metadata.icc):
        return metadata
    warn("dropped the colour profile: it is for grey, but the palette has colours", KmcLossWarning)
    return replace(metadata, icc=None)
