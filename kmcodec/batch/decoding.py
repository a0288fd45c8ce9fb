"""Whole `.kmc` files to other formats."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kmcodec.animation import read_frames
from kmcodec.batch.job_targets import write_job, write_job_parts
from kmcodec.batch.planning import Job
from kmcodec.decoder import checked_metadata, read_indexed
from kmcodec.errors import KmcInputError
from kmcodec.files import open_kmc
from kmcodec.formats.npy import npy_start
from kmcodec.image import IndexedImage, Metadata
from kmcodec.reader import DEFAULT_MAX_PIXELS, StripReader
from kmcodec.salvage import salvage_indexed
from kmcodec.targets.animations import encode_animation
from kmcodec.targets.images import encode_image

__all__ = ["DecodeReport", "decode_file"]


@dataclass(frozen=True)
class DecodeReport:
    """What came of decoding a file.

    Parameters
    ----------
    width, height : int
        Of what was written.
    entries : int
        Of the palette.
    size : int
        Bytes written.
    lost : tuple of str
        What could not be salvaged.
    """

    width: int
    height: int
    entries: int
    size: int
    lost: tuple[str, ...] = ()


def decode_file(
    job: Job,
    ending: str,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    rows: tuple[int, int] | None = None,
    salvage: bool = False,
    strip: bool = False,
) -> DecodeReport:
    """Decode one `.kmc` file to another format: all frames where that holds animations.

    Parameters
    ----------
    job : Job
    ending : str
        Of the format to write, with the dot.
    max_pixels : int, optional
        See `decode`.
    rows : tuple of int, optional
        See `read`.
    salvage : bool
        See `decode`; of the rows that are asked for, if some are.
    strip : bool
        Whether to leave out all metadata.

    Returns
    -------
    DecodeReport

    Raises
    ------
    KmcError
        If the source is no `.kmc` file, damaged or too large, or the target cannot be written.
    """
    lost: tuple[str, ...] = ()
    data: bytes | None = None
    with open_kmc(job.source) as stream:
        if salvage:
            salvaged = salvage_indexed(stream, max_pixels=max_pixels)
            image, lost = salvaged.marked(), salvaged.lost
        elif ending.lower() == ".npy" and rows is None:
            return _decode_rows(job, StripReader(stream, max_pixels=max_pixels))
        elif rows is not None:
            image = read_indexed(stream, max_pixels=max_pixels, rows=rows)
        else:
            animation = read_frames(stream, max_pixels=max_pixels)
            if strip:
                animation = replace(animation, metadata=Metadata())
            image = animation[0]
            if len(animation) > 1:
                try:
                    data = encode_animation(animation, ending)
                except KmcInputError as error:
                    raise KmcInputError(f"{job.source}: {error}") from error
    if strip:
        image = IndexedImage(image.palette, image.indices)
    if data is None:
        data = encode_image(image, ending)
    write_job(job, data)
    return DecodeReport(image.width, image.height, len(image.palette), len(data), lost)


def _decode_rows(job: Job, reader: StripReader) -> DecodeReport:
    """Decode to .npy: only a few strips are in memory at a time."""
    header = reader.header
    reader.check_rows(0, header.height)
    checked_metadata(reader)
    shape: tuple[int, ...] = (header.height, header.width)
    if header.channels > 1:
        shape += (header.channels,)
    start = npy_start(shape)

    def parts() -> Iterator[bytes]:
        yield start
        for indices in reader.blocks():
            yield IndexedImage(reader.palette, indices).to_array().tobytes()

    write_job_parts(job, parts())
    size = len(start) + math.prod(shape)
    return DecodeReport(header.width, header.height, header.entries, size)
