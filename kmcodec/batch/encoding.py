"""Whole files to `.kmc` files: read, encode, write, and tell what came of it."""

from __future__ import annotations

import functools
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from kmcodec.animation.encoder import EncodedScenes, encode_images, table_of
from kmcodec.animation.quantizer import sheet_of
from kmcodec.assembly import Assembly
from kmcodec.batch.cluster import Worker
from kmcodec.batch.job_targets import write_job, write_job_parts
from kmcodec.batch.planning import Job, due
from kmcodec.batch.pool import Done, run_each
from kmcodec.coding import AUTO
from kmcodec.encoder import DEFAULT_CODING
from kmcodec.errors import KmcError, KmcGoalError, KmcWarning
from kmcodec.image import IndexedImage, Metadata
from kmcodec.label_text import LABELS, without_labels
from kmcodec.metrics import psnr
from kmcodec.options import QuantizeOptions, refuse_options
from kmcodec.quantizer import Settings, quantized
from kmcodec.rate_distortion import Goal, Outcome, optimize
from kmcodec.reader import DEFAULT_MAX_PIXELS
from kmcodec.rows.encoder import RowEncoder
from kmcodec.sources.images import Source, read_source
from kmcodec.sources.rows import LARGE, RowFile, open_rows, row_errors, row_source

if TYPE_CHECKING:
    from typing_extensions import Unpack


__all__ = [
    "EncodeReport",
    "encode_file",
    "encode_files",
    "quantize_source",
]

_ELSEWHERE = {
    **dict.fromkeys(("rdo", "psnr", "max_bytes"), "it is a Goal, given as goal"),
    **dict.fromkeys(("metadata", "durations", "loop"), "a file has its own"),
}


@dataclass(frozen=True)
class EncodeReport:
    """What came of encoding a file.

    Parameters
    ----------
    source, output : str
    width, height, channels : int
    entries : int
        Of the palette; of several the most.
    psnr : float
        Decibels against the source's pixels of 8 bits, `math.inf` if all are as they were.
    raw_size : int
        Bytes of the pixels at 24 bits each.
    source_size, size : int
        Bytes of the source file and of the `.kmc` file.
    seconds : float
    shortfall : str, optional
        What a goal was missed by.
    written : bool
        False if the file would not have been smaller than its source, and that was asked for.
    frames : int
    scenes : int
        Runs of frames with a palette of their own; 1 where all have the same.
    reduced : bool
        Whether the source has samples of more than 8 bits: then it is not lossless.
    """

    source: str
    output: str
    width: int
    height: int
    channels: int
    entries: int
    psnr: float
    raw_size: int
    source_size: int
    size: int
    seconds: float
    shortfall: str | None = None
    written: bool = True
    frames: int = 1
    scenes: int = 1
    reduced: bool = False

    @property
    def ratio(self) -> float:
        """How many times smaller than the raw pixels."""
        return self.raw_size / self.size

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `psnr` is None where no pixel differs."""
        exact = math.isinf(self.psnr)
        values = asdict(self)
        values.update(
            psnr=None if exact else round(self.psnr, 4),
            lossless=exact and not self.reduced,
            ratio=round(self.ratio, 4),
            seconds=round(self.seconds, 4),
        )
        return values


def quantize_source(
    source: Source, k: int | None, **options: Unpack[QuantizeOptions]
) -> IndexedImage:
    """Quantise what was read from a file; a palette image is kept if it has no more than k colours.

    Parameters
    ----------
    source : Source
    k : int, optional
        256 for pixels if not given; palette images are then kept whatever their entries.
    **options
        See `quantize`.
    """
    image = source.image
    keep = k is None or (isinstance(image, IndexedImage) and len(image.palette) <= k)
    if isinstance(image, IndexedImage) and not keep:
        image = image.to_array()
    return quantized(image, Settings(k=k, **options), source.metadata)


def encode_file(
    job: Job,
    k: int | None = None,
    *,
    variable: str | None = None,
    coding: str,
    effort: str = AUTO,
    strip_rows: int | None = None,
    goal: Goal | None = None,
    strict: bool = False,
    strip: bool = False,
    skip_if_larger: bool = False,
    palettes: str = "shared",
    advance: Callable[[float | None], None] = lambda _: None,
    large: int = LARGE,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    **options: Unpack[QuantizeOptions],
) -> EncodeReport:
    """Encode one file.

    Parameters
    ----------
    job : Job
    k : int, optional
        See `quantize_source`.
    variable : str, optional
        Of a `.mat` file.
    coding, effort, strip_rows, strict
        See `encode`.
    goal : Goal, optional
        See `optimize`.
    strip : bool
        Whether to leave out all metadata.
    skip_if_larger : bool
        Write nothing that is not smaller than the source.
    palettes : {'shared', 'frame'}
        Of an animation; see `encode_frames`.
    advance : callable
        Called after each step towards the goal, with None; for a large file now and then with
        the share of the work that is done.
    large : int
        Files of more pixels are coded row by row, where they can be read so, there is no goal, and
        what is made is to be written whatever its size.
    max_pixels : int, optional
        See `read_source`; it holds for what is read row by row, too.
    **options
        See `quantize`.

    Raises
    ------
    KmcGoalError
        If a goal cannot be reached, and `strict` is set: nothing is written then.
    KmcError
        If the source cannot be read or the target not be written.
    """
    refuse_options("encode_file", options, QuantizeOptions.__annotations__, _ELSEWHERE)
    started = time.perf_counter()
    if goal is None and variable is None and not skip_if_larger:
        file = open_rows(job.source, large, max_pixels)
        if file is not None:
            if strip:
                file = replace(file, metadata=Metadata())
            assembly = Assembly(coding, effort, strip_rows)
            return _encode_rows(job, file, Settings(k=k, **options), assembly, advance)
    pictured = goal is not None or options.get("palette") is not None
    source = read_source(
        job.source, variable, frames=True, max_pixels=max_pixels, labels=not pictured
    )
    if _has_too_many_labels(source, k):
        source = read_source(job.source, variable, frames=True, max_pixels=max_pixels, labels=False)
        if LABELS not in source.metadata.text:  # else its own text is left out, with a note
            text = f"{source.name}: more labels than {k} entries hold: it is taken for a picture"
            warnings.warn(text, KmcWarning, stacklevel=2)
    if strip:
        source = replace(source, metadata=Metadata())
    assembly = Assembly(coding, effort, strip_rows)
    encoded = _encode_source(source, k, goal, palettes, assembly, advance, **options)
    if encoded.shortfall and strict:
        raise KmcGoalError(f"{job.source}: {encoded.shortfall}")
    written = not skip_if_larger or len(encoded.data) < source.size
    if written:
        write_job(job, encoded.data)
    return _report_of(job, source, encoded, written, started)


def _has_too_many_labels(source: Source, k: int | None) -> bool:
    if k is None or not isinstance(source.image, IndexedImage):
        return False
    return LABELS in source.metadata.text and len(source.image.palette) > k


def encode_files(
    jobs: Sequence[Job | KmcError],
    k: int | None = None,
    *,
    executor: Worker = None,
    coding: str = DEFAULT_CODING,
    **options: Any,
) -> Iterator[Done[EncodeReport]]:
    """Encode files, by whatever does the work.

    Parameters
    ----------
    jobs : sequence of Job or KmcError
        Of `plan`, which has an error for what cannot be done.
    k, coding, **options
        See `encode_file`.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Such as a `LocalPool` of `kmcodec.batch`; the calling thread if not given.

    Yields
    ------
    Done
        For each job but those to skip, in order, its report or its error; one that fails stops
        no other.
    """
    work = functools.partial(encode_file, k=k, coding=coding, **options)
    return run_each(work, due(jobs), executor)


def _report_of(
    job: Job, source: Source, encoded: EncodedScenes, written: bool, started: float
) -> EncodeReport:
    pixels, frames = source.pixels, 1
    if source.frames is not None:
        pixels, frames = sheet_of(source.frames.images), len(source.frames.images)
    height = encoded.scenes[0].height
    return EncodeReport(
        source=job.source,
        output=job.target,
        width=encoded.width // frames,
        height=height,
        channels=encoded.scenes[0].channels,
        entries=max(len(scene.palette) for scene in encoded.scenes),
        psnr=psnr(pixels, encoded.to_array()),
        raw_size=3 * encoded.width * height,
        source_size=source.size,
        size=len(encoded.data),
        seconds=time.perf_counter() - started,
        shortfall=encoded.shortfall,
        written=written,
        frames=frames,
        scenes=len(encoded.scenes),
        reduced=source.reduced,
    )


def _encode_source(
    source: Source,
    k: int | None,
    goal: Goal | None,
    palettes: str,
    assembly: Assembly,
    advance: Callable[[float | None], None],
    **options: Unpack[QuantizeOptions],
) -> EncodedScenes:
    if source.frames is not None:
        images = source.frames.images
        return encode_images(
            images,
            k,
            goal,
            assembly,
            table_of(len(images), source.frames.durations, source.frames.loop),
            palettes=palettes,
            metadata=without_labels(source.metadata),
            advance=lambda: advance(None),
            **options,
        )
    if goal is not None:
        outcome = _optimize_source(source, k, goal, assembly, advance, **options)
        return EncodedScenes([outcome.image], outcome.data, outcome.shortfall)
    quantized = quantize_source(source, k, **options)
    return EncodedScenes([quantized], assembly.encode(quantized))


def _optimize_source(
    source: Source,
    k: int | None,
    goal: Goal,
    assembly: Assembly,
    advance: Callable[[float | None], None],
    **options: Unpack[QuantizeOptions],
) -> Outcome:
    image = source.image
    if isinstance(image, IndexedImage) and k is not None and len(image.palette) > k:
        image = image.to_array()
    return optimize(
        image,
        k,
        goal,
        assembly,
        metadata=source.metadata,
        advance=lambda: advance(None),
        **options,
    )


def _encode_rows(
    job: Job,
    file: RowFile,
    settings: Settings,
    assembly: Assembly,
    progress: Callable[[float], None],
) -> EncodeReport:
    started = time.perf_counter()
    source = row_source(job.source, file)
    metadata = without_labels(file.metadata)
    encoder = RowEncoder(source, settings, assembly, metadata, progress, measures=True)

    def parts() -> Iterator[bytes]:
        with row_errors(job.source):
            yield from encoder.parts()

    write_job_parts(job, parts())
    return EncodeReport(
        source=job.source,
        output=job.target,
        width=file.width,
        height=file.height,
        channels=encoder.palette.shape[1],
        entries=len(encoder.palette),
        psnr=encoder.psnr,
        raw_size=3 * file.width * file.height,
        source_size=file.size,
        size=encoder.size,
        seconds=time.perf_counter() - started,
        reduced=source.reduced,
    )
