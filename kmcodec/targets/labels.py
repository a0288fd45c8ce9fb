"""Encode labels as files of numbers instead of pictures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.formats.matlab import write_mat

__all__ = ["HOLD_LABELS", "encode_label_file"]

HOLD_LABELS = frozenset({".mat", ".npy", ".png", ".tif", ".tiff"})
"""Extensions of files that may hold labels."""


def encode_label_file(labels: NDArray[Any], extension: str) -> bytes | None:
    """Encode labels in the format of a file extension.

    Parameters
    ----------
    labels : ndarray of bool or integer
    extension : str
        One of `HOLD_LABELS`.

    Returns
    -------
    bytes or None
        ``.mat`` and ``.npy`` files hold any array. PNG and TIFF files have samples of 8
        or 16 bits, TIFF also of 32; None if the labels do not fit, or are bool, empty or not
        two-dimensional.
    """
    if extension == ".npy":
        stream = io.BytesIO()
        np.save(stream, labels, allow_pickle=False)
        return stream.getvalue()
    if extension == ".mat":
        return write_mat(labels.astype(labels.dtype.newbyteorder("=")))
    samples = _samples(labels, extension)
    if samples is None:
        return None
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, "PNG" if extension == ".png" else "TIFF")
    return stream.getvalue()


def _samples(labels: NDArray[Any], extension: str) -> NDArray[Any] | None:
    """Convert labels to a type that Pillow writes; None if they do not fit."""
    if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "iu":
        return None
    least, most = int(labels.min()), int(labels.max())
    if labels.dtype.itemsize == 1 and least >= 0:
        return labels.astype(np.uint8)
    if least >= 0 and most <= 0xFFFF:
        return labels.astype(np.uint16)
    limits = np.iinfo(np.int32)
    if extension != ".png" and limits.min <= least and most <= limits.max:
        return labels.astype(np.int32)
    return None
