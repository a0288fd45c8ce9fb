"""Colours and properties of labels, as the JSON object that OME-NGFF calls ``image-label``.

A `.kmc` file holds it as a text with this keyword, an OME-Zarr group as an attribute. Here it is
converted to what a labels layer of napari takes, and back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from kmcodec.errors import KmcFormatError, KmcInputError

__all__ = ["IMAGE_LABEL", "image_label_text", "layer_options"]

IMAGE_LABEL = "image-label"
"""Keyword of the text."""

_VALUE = "label-value"
_OTHERS = (0.0, 0.0, 0.0, 0.0)


def layer_options(text: str) -> dict[str, Any]:
    """Return the options of a napari layer that a text gives.

    Parameters
    ----------
    text : str
        The JSON object.

    Returns
    -------
    dict
        ``colormap``, a dict from labels to RGBA from 0 to 1, and ``features``, a dict of columns of
        which ``index`` holds the labels; each only if the text has such.

    Raises
    ------
    KmcFormatError
        If the text is malformed.
    """
    try:
        found = json.loads(text)
        colors = {_value(c): _rgba(c) for c in found.get("colors", ())}
        rows = {_value(p): p for p in found.get("properties", ())}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise KmcFormatError(f"text {IMAGE_LABEL!r}: it is malformed") from None
    options: dict[str, Any] = {}
    if colors:
        # napari asks for a colour of all other labels, too.
        options["colormap"] = {None: _OTHERS, **colors}
    if rows:
        names = dict.fromkeys(name for row in rows.values() for name in row)
        columns = {n: [row.get(n) for row in rows.values()] for n in names if n != _VALUE}
        options["features"] = {**columns, "index": list(rows)}
    return options


def image_label_text(layer: Mapping[str, Any]) -> str | None:
    """Return the text for the options of a napari layer.

    Parameters
    ----------
    layer : mapping
        As napari gives it to writers. A ``colormap`` with a colour for each label counts, as do
        ``features``; a colormap that repeats its colours does not.

    Returns
    -------
    str or None
        None if the layer has neither.

    Raises
    ------
    KmcInputError
        If a colour is not 3 or 4 numbers from 0 to 1.
    """
    colormap = layer.get("colormap")
    colors = getattr(colormap, "color_dict", colormap)
    found: dict[str, list[dict[str, Any]]] = {}
    if isinstance(colors, Mapping):
        labels = sorted(int(label) for label in colors if label is not None)
        found["colors"] = [{_VALUE: n, "rgba": _stored_rgba(n, colors[n])} for n in labels]
    features = layer.get("features")
    columns = {} if features is None else {str(n): _plain(features[n]) for n in features}
    if columns:
        index = columns.pop("index", None) or range(len(next(iter(columns.values()), ())))
        rows = zip(index, *columns.values(), strict=True)
        found["properties"] = [
            {_VALUE: int(label), **dict(zip(columns, cells, strict=True))} for label, *cells in rows
        ]
    kept = {name: entries for name, entries in found.items() if entries}
    return json.dumps(kept) if kept else None


def _value(entry: dict[str, Any]) -> int:
    value = entry[_VALUE]
    if type(value) is not int:
        raise TypeError("no label")
    return value


def _rgba(entry: dict[str, Any]) -> tuple[float, ...]:
    parts = entry["rgba"]
    if len(parts) != 4 or not all(type(part) is int and 0 <= part <= 255 for part in parts):
        raise ValueError("no colour")
    return tuple(part / 255 for part in parts)


def _stored_rgba(label: int, color: Any) -> list[int]:
    try:
        parts = np.asarray(color, np.float64)
    except (TypeError, ValueError):
        parts = np.empty(0)
    # Comparisons with NaN are False.
    if parts.shape not in ((3,), (4,)) or not ((parts >= 0) & (parts <= 1)).all():
        raise KmcInputError(f"colour of label {label} is {color!r}, must be RGBA from 0 to 1")
    return [*np.rint(parts * 255).astype(int).tolist(), 255][:4]


def _plain(column: Any) -> list[Any]:
    """Return cells as JSON can hold them."""
    return [_plain_cell(cell) for cell in np.asarray(column).tolist()]


def _plain_cell(cell: Any) -> Any:
    if isinstance(cell, float) and not np.isfinite(cell):
        return None
    return cell if cell is None or isinstance(cell, (bool, int, float, str)) else str(cell)
