"""Encode labels as files of numbers instead of pictures."""

from __future__ import annotations

import importlib.util
import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.errors import warn
from kmcodec.formats.matlab import write_mat
from kmcodec.formats.npz import write_npz
from kmcodec.formats.pillow_images import transparency_of
from kmcodec.formats.tiff_classes import COLOR_MAP, tags_to_write
from kmcodec.model.image import Metadata
from kmcodec.model.label_classes import LabelClasses

__all__ = ["HOLD_LABELS", "encode_label_file", "how_to_keep"]

HOLD_LABELS = frozenset({".mat", ".npy", ".npz", ".png", ".tif", ".tiff"})
"""Extensions of files that may hold labels."""

_TIFF = (".tif", ".tiff")
_INSTEAD = "write .npy to keep them"


def how_to_keep(extension: str) -> str:
    """Say what to do where a format of `HOLD_LABELS` does not hold labels."""
    if extension in _TIFF and importlib.util.find_spec("tifffile") is None:
        return f"install kmcodec[geo], or {_INSTEAD}"
    return _INSTEAD


def encode_label_file(
    labels: NDArray[Any], extension: str, metadata: Metadata | None = None
) -> bytes | None:
    """Encode labels in the format of a file extension.

    Parameters
    ----------
    labels : ndarray of bool or integer
    extension : str
        One of `HOLD_LABELS`.
    metadata : Metadata, optional
        Its classes and tags are written as far as the format has them.

    Returns
    -------
    bytes or None
        ``.npy``, ``.npz`` and ``.mat`` files hold any array. TIFF files hold any with two axes
        or more and no axis of length 0, those of more than two as pages. PNG files hold those
        of two axes with values of 1, 8 or 16 bits. None if the labels do not fit.

    Warns
    -----
    KmcWarning
        If the dtype, shape, names or tags are not kept.
    """
    metadata = metadata or Metadata()
    if extension == ".npy":
        stream = io.BytesIO()
        np.save(stream, labels, allow_pickle=False)
        return stream.getvalue()
    if extension == ".npz":
        return write_npz(labels)
    if extension == ".mat":
        if labels.ndim < 2:
            warn(f"MATLAB has no shape {labels.shape}, wrote {np.atleast_2d(labels).shape}")
        return write_mat(labels.astype(labels.dtype.newbyteorder("=")))
    if labels.ndim < 2 or not labels.size:
        return None
    if extension in _TIFF:
        return _tiff(labels, metadata)
    return _png(labels, metadata)


def _tiff(labels: NDArray[Any], metadata: Metadata) -> bytes | None:
    classes, dtype = metadata.classes, labels.dtype
    entries = 1 << 8 * dtype.itemsize if dtype.kind == "u" and dtype.itemsize < 4 else 0
    tags = tags_to_write(classes, metadata.tiff, entries)
    if classes is not None:
        _warn_of_classes(classes, "TIFF", entries)
    try:
        import tifffile
    except ImportError:
        return _tiff_by_pillow(labels, bool(tags))
    table = tags.pop(COLOR_MAP, None)
    extra = [(tag.number, tag.type, *_values(tag.type, tag.data), True) for tag in tags.values()]
    told = json.dumps({"shape": labels.shape}) if labels.ndim > 3 or len(labels) == 1 else None
    options: dict[str, Any] = {"photometric": "minisblack"}
    if table is not None:
        options = {
            "photometric": "palette",
            "colormap": np.frombuffer(table.data, "<u2").reshape(3, -1),
        }
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, byteorder="<", bigtiff=labels.nbytes >= 1 << 31) as file:
        # As pages of a stack, without what only tifffile reads of it.
        file.write(
            labels.reshape(-1, *labels.shape[-2:]) if labels.ndim > 2 else labels,
            compression=None if dtype.kind == "b" else "zlib",
            metadata=None,
            software=False,
            description=told if labels.ndim > 2 else None,
            extratags=extra,
            **options,
        )
    return stream.getvalue()


def _tiff_by_pillow(labels: NDArray[Any], has_tags: bool) -> bytes | None:
    """Write the types that Pillow knows, where tifffile is not installed."""
    plain = labels.dtype.newbyteorder("=")
    if labels.ndim != 2 or plain not in (np.uint8, np.uint16, np.int32, np.bool_):
        return None
    if has_tags:
        warn("dropped colours and tags: writing them needs pip install 'kmcodec[geo]'")
    stream = io.BytesIO()
    Image.fromarray(labels.astype(plain)).save(stream, "TIFF")
    return stream.getvalue()


def _values(type_: int, data: bytes) -> tuple[int, Any]:
    """Return the count and the values of a tag."""
    if type_ == 2:
        return len(data), data
    values = np.frombuffer(data, "<u2" if type_ == 3 else "<f8").tolist()
    return len(values), values[0] if len(values) == 1 else tuple(values)


def _png(labels: NDArray[Any], metadata: Metadata) -> bytes | None:
    samples = _fit_for_png(labels)
    if samples is None:
        return None
    if samples.dtype != labels.dtype.newbyteorder("="):
        warn(f"PNG has no {labels.dtype}, wrote {samples.dtype}: {_INSTEAD}")
    image = Image.fromarray(samples)
    options: dict[str, Any] = {}
    classes = metadata.classes or LabelClasses()
    has_palette = samples.dtype == np.uint8 and bool(classes.colors)
    if has_palette:
        palette = np.zeros((1 + max(int(samples.max()), *_bytes_in(classes)), 4), np.uint8)
        palette[:, 3] = 255
        for value in _bytes_in(classes):
            color = classes.colors[value]
            palette[value, : len(color)] = color
        image = Image.frombytes("P", image.size, samples.tobytes())
        image.putpalette(palette[:, :3].tobytes())
        if palette[:, 3].min() < 255:
            options["transparency"] = transparency_of(palette[:, 3])
    _warn_of_classes(classes, "PNG", 256 if has_palette else 0)
    if metadata.tiff:
        warn("dropped the TIFF tags: PNG has none, write .tif to keep them")
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def _bytes_in(classes: LabelClasses) -> list[int]:
    """Return the ids with a colour that fit a byte."""
    return [value for value in classes.colors if 0 <= value <= 255]


def _fit_for_png(labels: NDArray[Any]) -> NDArray[Any] | None:
    """Convert labels to a type that PNG has; None if they do not fit."""
    if labels.ndim != 2:
        return None
    if labels.dtype.kind == "b":
        return labels
    least, most = int(labels.min()), int(labels.max())
    if labels.dtype.itemsize == 1 and least >= 0:
        return labels.astype(np.uint8)
    return labels.astype(np.uint16) if least >= 0 and most <= 0xFFFF else None


def _warn_of_classes(classes: LabelClasses, format_: str, entries: int) -> None:
    """Warn of names and colours that a file with so many palette entries does not keep."""
    lost = []
    if classes.names:
        lost.append("names")
    if any(not 0 <= value < entries for value in classes.colors):
        lost.append("colours")
    elif format_ == "TIFF" and any(len(color) > 3 for color in classes.colors.values()):
        lost.append("alpha of colours")
    if format_ == "PNG" and classes.nodata is not None:
        lost.append("no-data value")
    if lost:
        warn(f"dropped of the classes what {format_} cannot hold: {', '.join(lost)}")
