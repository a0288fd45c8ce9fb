"""Read `.kmc` files as layers of napari, and write labels layers (extra: napari).

napari finds both by the manifest napari.yaml. Nothing here needs napari or npe2.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.animation.decode_frames import read_frames
from kmcodec.arrays.image_label import IMAGE_LABEL, image_label_text, layer_options
from kmcodec.arrays.labels import decode_labels, encode_labels
from kmcodec.container.layout import with_sections
from kmcodec.container.metadata import sections_from_metadata
from kmcodec.errors import KmcFormatError, KmcInputError, warn
from kmcodec.files import open_kmc
from kmcodec.model.image import Metadata
from kmcodec.model.limits import Limits
from kmcodec.model.pixels import to_channels
from kmcodec.reading.strip_reader import StripReader
from kmcodec.storage.door import write_output
from kmcodec.storage.extensions import check_kmc_name

__all__ = ["get_reader", "read_layers", "write_labels"]

Layer = tuple[Any, dict[str, Any], str]

_TITLE = "Title"
# Where a layer lies and how large a voxel is, and whether that is more than pixels side by side.
_PLACES: dict[str, Callable[[NDArray[Any]], bool]] = {
    "scale": lambda value: bool((value != 1).any()),
    "translate": lambda value: bool(value.any()),
    "rotate": lambda value: not _is_identity(value),
    "shear": lambda value: bool(value.any()),
    "affine": lambda value: not _is_identity(value),
}


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[Layer]]:
    """Return the reader of a `.kmc` file, or of several to be stacked."""
    return read_layers


def read_layers(path: str | Sequence[str]) -> list[Layer]:
    """Read a `.kmc` file as a layer: its labels if it holds such, else the image or animation.

    Parameters
    ----------
    path : str or sequence of str
        Several files become one layer, stacked along a new first axis.

    Returns
    -------
    list of tuple
        One layer: the data, the options, and ``"labels"`` or ``"image"``.

    Raises
    ------
    KmcError
        If a file cannot be read, or files differ in shape, dtype or kind.
    """
    if isinstance(path, str):
        return [_layer(path)]
    layers = [_layer(one) for one in path]
    kinds = {(data.shape, data.dtype, kind) for data, _, kind in layers}
    if len(kinds) != 1:
        raise KmcInputError(
            f"cannot stack {len(layers)} files: shape, dtype or kind of layer differ"
        )
    _, options, kind = layers[0]
    return [(np.stack([data for data, *_ in layers]), options, kind)]


def write_labels(path: str, data: Any, options: Mapping[str, Any]) -> list[str]:
    """Write a labels layer to a `.kmc` file.

    Parameters
    ----------
    path : str
    data : array_like of bool or integer, or sequence of such
        Of several resolutions the first is written.
    options : mapping
        Those of the layer. Its name, colours of single labels and features are written, too.

    Returns
    -------
    list of str
        The path.

    Raises
    ------
    KmcError
        If the data are not labels, or the file cannot be written.

    Warns
    -----
    KmcWarning
        If the layer is scaled or moved, which the file does not hold.
    """
    check_kmc_name(path)
    labels = np.asarray(data[0] if options.get("multiscale") else data)
    texts = {_TITLE: str(options.get("name") or ""), IMAGE_LABEL: image_label_text(options) or ""}
    given = Metadata(text={keyword: text for keyword, text in texts.items() if text})
    # What describes the labels is there already.
    sections = sections_from_metadata(given)
    encoded = with_sections(encode_labels(labels), sections)
    write_output(path, encoded)
    placed = {name: np.asarray(options[name]) for name in _PLACES if options.get(name) is not None}
    lost = [name for name, value in placed.items() if _PLACES[name](value)]
    if lost:
        warn(f"{path}: dropped {' and '.join(lost)} of the layer")
    return [path]


def _layer(path: str) -> Layer:
    limits = Limits()
    with open_kmc(path) as stream:
        metadata = StripReader(stream, limits).metadata()
        texts, holds_labels = dict(metadata.text), metadata.labels is not None
        stream.seek(0)
        # A single number is no layer.
        data = np.atleast_1d(decode_labels(stream.read())) if holds_labels else None
        pixels, rgb = _pixels(stream, limits) if data is None else (data, False)
    name, _ = os.path.splitext(os.path.basename(path))
    options: dict[str, Any] = {"name": texts.pop(_TITLE, None) or name}
    described = texts.pop(IMAGE_LABEL, None)
    options |= {"metadata": texts} if texts else {}
    if not holds_labels:
        return pixels, options | {"rgb": rgb}, "image"
    try:
        options |= layer_options(described) if described else {}
    except KmcFormatError as error:
        warn(f"{path}: {error}, left out colours and properties")
    return pixels, options, "labels"


def _is_identity(value: NDArray[Any]) -> bool:
    if value.ndim != 2:  # angles
        return not value.any()
    return bool((value == np.eye(*value.shape)).all())


def _pixels(stream: IO[bytes], limits: Limits) -> tuple[NDArray[np.uint8], bool]:
    """Return the pixels of an image, or of all frames, and whether they have colours or alpha."""
    animation = read_frames(stream, limits)
    pixels = animation.to_array()
    channels = animation.palette.shape[1]
    pixels = to_channels(pixels, 4) if channels == 2 else pixels
    return pixels if len(animation) > 1 else pixels[0], channels > 1
