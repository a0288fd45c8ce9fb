"""Metadata of an image that does not have as many channels as what they were read with."""

from __future__ import annotations

from dataclasses import replace

from kmcodec.errors import KmcLossWarning, warn
from kmcodec.formats.icc import is_grey_profile
from kmcodec.model.image import Metadata

__all__ = ["fitting_metadata"]


def fitting_metadata(metadata: Metadata, channels: int) -> Metadata:
    """Leave a profile for grey out of the metadata of an image in colour.

    Parameters
    ----------
    metadata : Metadata
    channels : int
        Of the palette that they are written with.

    Warns
    -----
    KmcLossWarning
        If a profile is left out.
    """
    if channels < 3 or metadata.icc is None or not is_grey_profile(metadata.icc):
        return metadata
    warn("dropped the colour profile: it is for grey, but the palette has colours", KmcLossWarning)
    return replace(metadata, icc=None)
