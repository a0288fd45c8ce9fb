"""Decode whole `.kmc` files to other formats."""

from __future__ import annotations

import functools
import io
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import IO, Any

from kmcodec.animation.decode_frames import read_frames
from kmcodec.animation.value import Animation
from kmcodec.arrays.labels import decode_labels
from kmcodec.batch.cluster import Worker
from kmcodec.batch.job_targets import write_job
from kmcodec.batch.planning import Job, due
from kmcodec.batch.pool import Done, run_each
from kmcodec.container.header import Header
from kmcodec.decoder import checked_metadata, read_indexed
from kmcodec.errors import KmcError, KmcFormatError, KmcInputError, warn
from kmcodec.files import open_kmc, warn_of_other_frames
from kmcodec.formats.npy import npy_start
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.label_images import labels_of
from kmcodec.model.limits import DEFAULT_MAX_PIXELS, NO_LIMITS, Limits
from kmcodec.reading.salvage import salvage_indexed
from kmcodec.reading.strip_reader import StripReader
from kmcodec.sources.images import named_warnings
from kmcodec.storage.door import STANDARD
from kmcodec.targets.animations import encode_animation
from kmcodec.targets.images import encode_image
from kmcodec.targets.labels import HOLD_LABELS, encode_label_file, how_to_keep

__all__ = ["DecodeReport", "decode_file", "decode_files"]


@dataclass(frozen=True)
class DecodeReport:
    """The result of decoding a file.

    Parameters
    ----------
    source, output : str
    width, height : int
        Size of the written image.
    entries : int
        Number of palette entries.
    size : int
        Bytes written.
    seconds : float
    lost : tuple of str
        The parts that could not be salvaged.
    """

    source: str
    output: str
    width: int
    height: int
    entries: int
    size: int
    seconds: float
    lost: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self) | {"seconds": round(self.seconds, 4), "lost": list(self.lost)}


def decode_file(
    job: Job,
    extension: str | None = None,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    rows: tuple[int, int] | None = None,
    salvage: bool = False,
    strip: bool = False,
    picture: bool = False,
) -> DecodeReport:
    """Decode one `.kmc` file to another format; all frames if the format holds animations.

    Parameters
    ----------
    job : Job
    extension : str, optional
        File extension of the format to write, with the dot; that of the target, or .png, if not
        given.
    max_pixels : int, optional
        See `decode`.
    rows, salvage
        See `read` and `decode`; they exclude each other.
    strip : bool
        Whether to leave out all metadata.
    picture : bool
        Whether to write labels as a picture. With `salvage`, labels are always written so.

    Returns
    -------
    DecodeReport

    Raises
    ------
    KmcError
        If the source is not a `.kmc` file, is damaged or too large, an option is wrong, or the
        target cannot be written.

    Warns
    -----
    KmcWarning
        If frames, colours or metadata are dropped.
    """
    started = time.perf_counter()
    extension = (extension or _extension_of(job.target)).lower()
    limits = Limits(max_pixels=max_pixels)
    lost: tuple[str, ...] = ()
    if salvage and rows is not None:
        raise KmcInputError("rows and salvage exclude each other")
    with open_kmc(job.source) as stream:
        if not (picture or salvage or rows) and extension in HOLD_LABELS:
            report = _decode_labels(job, stream, extension, limits, strip, started)
            if report is not None:
                return report
        if extension == ".npy" and not salvage and rows is None:
            report = _decode_rows(job, StripReader(stream, limits), started)
            warn_of_other_frames(stream, job.source)
            return report
        if rows is not None:
            image = read_indexed(stream, limits, rows=rows)
            warn_of_other_frames(stream, job.source)
            data = _encode_rows(image, extension, strip, picture)
        elif salvage:
            salvaged = salvage_indexed(stream, limits)
            image, lost = salvaged.marked(), salvaged.lost
            warn_of_other_frames(stream, job.source)
            data = encode_image(_bare(image) if strip else image, extension)
        else:
            animation = read_frames(stream, limits)
            image, data = animation[0], _encode(animation, extension, job.source, strip)
    write_job(job, data)
    seconds = time.perf_counter() - started
    entries, size = len(image.palette), len(data)
    return DecodeReport(
        job.source, job.target, image.width, image.height, entries, size, seconds, lost
    )


def _encode_rows(image: IndexedImage, extension: str, strip: bool, picture: bool) -> bytes:
    """Encode some rows: their labels if they have some and the format holds them, or a picture."""
    if image.metadata.labels is not None and not picture and extension in HOLD_LABELS:
        metadata = None if strip else image.metadata
        made = encode_label_file(labels_of(image), extension, metadata)
        if made is not None:
            return made
    return encode_image(_bare(image), extension)


def _bare(image: IndexedImage) -> IndexedImage:
    """Return an image without its metadata."""
    return IndexedImage(image.palette, image.indices)


def _encode(animation: Animation, extension: str, source: str, strip: bool) -> bytes:
    """Encode all frames, or one as an image, which has more formats."""
    if strip:
        animation = replace(animation, metadata=Metadata())
    if len(animation) == 1:
        return encode_image(animation[0], extension)
    try:
        return encode_animation(animation, extension)
    except KmcInputError as error:
        raise KmcInputError(f"{source}: {error}") from error


def _metadata_of_labels(stream: IO[bytes], limits: Limits) -> Metadata | None:
    """Return the metadata of a file that holds labels; reading it reports any damage."""
    try:
        metadata = StripReader(stream, limits).metadata()
    except KmcError:
        return None
    finally:
        stream.seek(0)
    return None if metadata.labels is None else metadata


def _decode_labels(
    job: Job, stream: IO[bytes], extension: str, limits: Limits, strip: bool, started: float
) -> DecodeReport | None:
    """Decode to labels; return None if the file has none or the format cannot hold them."""
    metadata = _metadata_of_labels(stream, limits)
    if metadata is None:
        return None
    data = stream.read()
    stream.seek(0)
    try:
        labels = decode_labels(data, max_pixels=limits.max_pixels)
    except KmcFormatError as error:
        # Labels that do not fit the picture do not affect it.
        warn(f"{job.source}: {error}, wrote the picture")
        return None
    with named_warnings(job.source):
        made = encode_label_file(labels, extension, None if strip else metadata)
    if made is None:
        shown = "x".join(map(str, labels.shape))
        text = f"{job.source}: {extension} does not hold labels of {labels.dtype}, {shown}"
        warn(f"{text}, wrote the picture: {how_to_keep(extension)}")
        return None
    write_job(job, made)
    return _report(job, StripReader(io.BytesIO(data), NO_LIMITS).header, len(made), started)


def decode_files(
    jobs: Sequence[Job | KmcError],
    extension: str | None = None,
    *,
    executor: Worker = None,
    **options: Any,
) -> Iterator[Done[DecodeReport]]:
    """Decode `.kmc` files, on an executor if given.

    Parameters
    ----------
    jobs : sequence of Job or KmcError
        From `plan`, which returns an error for each file that cannot be processed.
    extension, **options
        See `decode_file`.
    executor
        See `encode_files`.

    Yields
    ------
    Done
        Report or error of each job except skipped ones, in order; a failing job stops no other.
    """
    return run_each(
        functools.partial(decode_file, extension=extension, **options), due(jobs), executor
    )


def _extension_of(target: str) -> str:
    own = "" if target == STANDARD else os.path.splitext(target)[1].lower()
    return own or ".png"


def _decode_rows(job: Job, reader: StripReader, started: float) -> DecodeReport:
    """Decode to .npy, with only a few strips in memory at a time."""
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

    write_job(job, parts())
    return _report(job, header, len(start) + math.prod(shape), started)


def _report(job: Job, header: Header, size: int, started: float) -> DecodeReport:
    """Report a whole file that was written without an `IndexedImage` of it."""
    return DecodeReport(
        source=job.source,
        output=job.target,
        width=header.width,
        height=header.height,
        entries=header.entries,
        size=size,
        seconds=time.perf_counter() - started,
    )
