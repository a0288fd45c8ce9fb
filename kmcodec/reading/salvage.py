"""Salvage intact strips of damaged files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.layout import Strip
from kmcodec.container.resync import intact_strips
from kmcodec.errors import KmcFormatError
from kmcodec.model.image import MAX_COLORS, IndexedImage, Metadata
from kmcodec.model.limits import Limits
from kmcodec.parallel import in_groups
from kmcodec.reading.strip_reader import StripReader

__all__ = ["Salvaged", "salvage_indexed"]


@dataclass(frozen=True)
class Salvaged:
    """An image with all readable rows.

    Parameters
    ----------
    image : IndexedImage
        Indices of lost rows are 0.
    lost : tuple of str
        Losses and their reasons, strip by strip.
    rows : ndarray, shape (H,), bool
        True for lost rows.
    """

    image: IndexedImage
    lost: tuple[str, ...]
    rows: NDArray[np.bool_]

    def marked(self) -> IndexedImage:
        """Return the image with a separate entry for lost rows, if the palette has room."""
        image = self.image
        entries = len(image.palette)
        if not self.rows.any() or entries == MAX_COLORS:
            return image
        mark = {1: [0], 2: [0, 0], 3: [255, 0, 255], 4: [255, 0, 255, 0]}[image.channels]
        indices = image.indices.astype(np.int64)
        indices[self.rows] = entries
        palette = np.vstack([image.palette, np.array([mark], np.uint8)])
        return IndexedImage(palette, indices, image.metadata)


def salvage_indexed(
    stream: IO[bytes],
    limits: Limits,
) -> Salvaged:
    """Decode every intact strip, and drop unreadable metadata.

    Of several frames only the first is decoded. Frames with other palettes (scenes) are only
    checked for damage.

    Parameters
    ----------
    stream : binary file
        Seekable; the file begins at its start.
    limits : Limits

    Raises
    ------
    KmcFormatError
        If the header or the palette is damaged: without them there are no pixels.
    KmcLimitError
        See `decode`.
    """
    reader = StripReader(stream, limits)
    header = reader.header
    reader.check_rows(0, header.height)
    indices = reader.blank(header.height)
    lost_rows = np.ones(header.height, bool)
    losses: list[str] = []

    def decode_into(item: tuple[Strip, bytes]) -> str | None:
        first, end = item[0].rows
        try:
            indices[first:end] = reader.decode(*item)
        except KmcFormatError as error:
            return str(error)
        lost_rows[first:end] = False
        return None

    metadata: Metadata | None = None
    container = reader.container
    for scene in range(1, len(container.scenes)):
        try:
            container.palette_of(scene)
        except KmcFormatError as error:
            losses.append(str(error))
    whole = (item for item in intact_strips(container, losses) if item[0].scene == 0)
    # Add these later: the search for strips adds its own losses meanwhile, which come first.
    undecoded = [loss for loss in in_groups(decode_into, whole) if loss]
    losses += undecoded
    try:
        metadata = reader.metadata()
    except KmcFormatError as error:
        if not losses:
            losses.append(f"metadata: {error}")
    return Salvaged(
        IndexedImage(reader.palette, reader.first_frame(indices), metadata),
        tuple(losses),
        lost_rows,
    )
