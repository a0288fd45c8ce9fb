"""Convert tags of TIFF files to classes of labels, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kmcodec.formats.tiff_tags import TiffPage
from kmcodec.model.label_classes import LabelClasses, TiffTag

__all__ = ["COLOR_MAP", "NODATA", "classes_of_tiff", "color_map", "tags_to_write"]

COLOR_MAP, NODATA = 320, 42113
_PALETTE = 3
_BLACK = (0, 0, 0)


def classes_of_tiff(page: TiffPage, most: int) -> tuple[LabelClasses, tuple[TiffTag, ...]]:
    """Return what the tags of a page say about its ids, and the tags to keep.

    Parameters
    ----------
    page : TiffPage
    most : int
        The greatest id. Black entries beyond it at the end of the colour table only fill it up.

    Returns
    -------
    classes : LabelClasses
    tags : tuple of TiffTag
        Without a colour table and a no-data value that can be made again from the classes.
    """
    tags = dict(page.tags)
    colors: dict[int, tuple[int, ...]] = {}
    nodata = None
    table = tags.pop(COLOR_MAP, None)
    if table is not None and page.photometric == _PALETTE:
        colors = _colors_in(table, most)
        entries = len(table.data) // 6
        if entries > 65_536 or color_map(colors, entries) != table.data:
            tags[COLOR_MAP] = table
    if NODATA in tags:
        nodata = _nodata_in(tags[NODATA])
        if nodata is not None and _nodata_text(nodata) == tags[NODATA].data:
            del tags[NODATA]
    return LabelClasses(colors=colors, nodata=nodata), tuple(tags[n] for n in sorted(tags))


def tags_to_write(
    classes: LabelClasses | None, tags: tuple[TiffTag, ...], entries: int
) -> dict[int, TiffTag]:
    """Return the tags of a file of labels.

    Parameters
    ----------
    classes : LabelClasses, optional
        They count, where a tag says otherwise.
    tags : tuple of TiffTag
        As `classes_of_tiff` returns them.
    entries : int
        Those of the colour table, 2 to the number of bits; 0 if the file can have none.
    """
    written = {tag.number: tag for tag in tags}
    colors: Mapping[int, Sequence[int]] = {} if classes is None else classes.colors
    nodata = classes.nodata if classes is not None else None
    table = written.pop(COLOR_MAP, None)
    if entries and colors:
        made = color_map(colors, entries)
        if table is None or len(table.data) != len(made) or _bytes_of(table) != made[1::2]:
            table = TiffTag(COLOR_MAP, 3, made)
        written[COLOR_MAP] = table
    if NODATA in written and _nodata_in(written[NODATA]) != nodata:
        del written[NODATA]
    if nodata is not None:
        written.setdefault(NODATA, TiffTag(NODATA, 2, _nodata_text(nodata)))
    return written


def color_map(colors: Mapping[int, Sequence[int]], entries: int) -> bytes:
    """Return a colour table: 16-bit samples, all reds, all greens, all blues."""
    table = np.zeros((3, entries), "<u2")
    for value, color in colors.items():
        if 0 <= value < entries:
            table[:, value] = [257 * sample for sample in color[:3]]
    return table.tobytes()


def _bytes_of(table: TiffTag) -> bytes:
    """Return the high byte of each sample of a colour table."""
    return table.data[1::2]


def _colors_in(table: TiffTag, most: int) -> dict[int, tuple[int, ...]]:
    samples: NDArray[np.uint8] = np.frombuffer(_bytes_of(table), np.uint8)
    entries = min(len(samples) // 3, 65_536)
    colors = samples[: len(samples) // 3 * 3].reshape(3, -1)[:, :entries].T
    shown = np.flatnonzero(colors.max(axis=1, initial=0))
    last = max(int(shown[-1]) if len(shown) else -1, min(most, entries - 1))
    return {value: tuple(color) for value, color in enumerate(colors[: last + 1].tolist())}


def _nodata_in(tag: TiffTag) -> int | None:
    """Return the no-data value; None if it is no integer of 64 bits."""
    try:
        text = tag.data.rstrip(b"\0 ").decode("ascii").strip()
        value = int(text) if text.lstrip("-").isdigit() else float(text)
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if number == value and -(2**63) <= number < 2**64 else None


def _nodata_text(nodata: int) -> bytes:
    return f"{nodata}\0".encode()
