"""Convert what the pixels of labels stand for to the data of a section `labl` and back.

See spec/kmc-1.md, section 7.1.
"""

from __future__ import annotations

from kmcodec.container.label_table import (
    TableReader,
    first_to_bytes,
    kind_to_bytes,
    values_to_bytes,
)
from kmcodec.errors import KmcInputError
from kmcodec.model.label_array import LabelArray

__all__ = ["data_from_labels", "labels_from_data"]


def data_from_labels(labels: LabelArray) -> bytes:
    """Return the data of a section `labl`."""
    head = kind_to_bytes(labels.dtype, labels.shape) + bytes([labels.planes])
    if labels.planes:
        return head + first_to_bytes(labels.values[0], labels.dtype)
    return head + values_to_bytes(labels.values, labels.dtype)


def labels_from_data(data: bytes) -> LabelArray:
    """Return what the data of a section `labl` say.

    Raises
    ------
    ValueError
        If the data are malformed.
    """
    reader = TableReader(data)
    dtype, shape = reader.kind()
    planes = reader.byte()
    values = (reader.first(dtype),) if planes else tuple(reader.values(dtype).tolist())
    if reader.rest():
        raise ValueError("bytes follow the table of values")
    try:
        return LabelArray(dtype, shape, values, planes)
    except KmcInputError as error:
        raise ValueError(str(error)) from None
