"""Limit the number of scans in a JPEG."""

from __future__ import annotations

from kmcodec.errors import KmcLimitError

__all__ = ["check_scans"]

_START_OF_SCAN = b"\xff\xda"
# Progressive files have about ten scans, and never need a hundred. Other bytes, such as profiles,
# look like a scan every 64 KiB; further pictures in the file have scans of their own.
_MOST_SCANS, _BYTES_OF_ONE = 256, 4096


def check_scans(data: bytes) -> None:
    """Refuse a JPEG of too many scans: a dozen bytes of scan cost as much as a whole image.

    Raises
    ------
    KmcLimitError
    """
    scans, most = data.count(_START_OF_SCAN), _MOST_SCANS + len(data) // _BYTES_OF_ONE
    if scans > most:
        raise KmcLimitError(f"{scans:,} scans, must be at most {most:,}")
