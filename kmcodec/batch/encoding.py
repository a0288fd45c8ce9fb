"""Encode whole files as `.kmc` files: read, encode, write and report."""

from __future__ import annotations

import functools
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kmcodec.animation.encode_frames import EncodedScenes, encode_images, table_of
from kmcodec.animation.frame_palettes import sheet_of
from kmcodec.arrays.labels import encode_labels
from kmcodec.batch.cluster import Worker
from kmcodec.batch.file_request import FileOptions, FileRequest
from kmcodec.batch.job_targets import write_job
from kmcodec.batch.planning import Job, due
from kmcodec.batch.pool import Done, run_each
from kmcodec.container.reader import ContainerReader
from kmcodec.errors import KmcError, KmcGoalError, KmcLossWarning, warn
from kmcodec.formats.color_profiles import is_like_srgb
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.metrics import psnr
from kmcodec.model.stale_labels import without_labels
from kmcodec.perception import FramesReference
from kmcodec.quantization import QuantizeRequest
from kmcodec.quantizer import quantized
from kmcodec.rate_distortion import Goal, Outcome, optimize
from kmcodec.request import EncodeRequest
from kmcodec.rows.encode_rows import RowEncoder
from kmcodec.sources.images import Source, named_warnings, read_source
from kmcodec.sources.labels import read_labels
from kmcodec.sources.rows import RowFile, open_rows, row_errors, row_source

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "EncodeReport",
    "encode_file",
    "encode_files",
    "encode_job",
    "encode_jobs",
    "encode_source",
    "quantize_source",
    "report_of",
    "score_of",
    "stripped",
]

_S = TypeVar("_S", Source, RowFile)


@dataclass(frozen=True)
class EncodeReport:
    """The result of encoding a file.

    Parameters
    ----------
    source, output : str
    width, height, channels : int
    entries : int
        Number of palette entries; of several palettes the largest.
    psnr : float
        Decibels against the source's 8-bit pixels, `math.inf` if none differs.
    raw_size : int
        Bytes of the pixels at 24 bits each; with `labels` those of the array.
    source_size, size : int
        Bytes of the source file and of the `.kmc` file.
    seconds : float
    shortfall : str, optional
        How the file misses a goal, in words.
    written : bool
        False if `skip_if_larger` was set and the file would not have been smaller.
    frames : int
    scenes : int
        Runs of frames with their own palette; 1 if all frames share one.
    losses : tuple of str
        Parts of the source that were reduced or dropped and change how it looks, such as bits of
        its samples; the result is then not lossless, whatever `psnr` is.
    quality : float, optional
        Score of SSIMULACRA2, of frames the mean, if a quality was the goal.
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
    losses: tuple[str, ...] = ()
    quality: float | None = None

    @property
    def lossless(self) -> bool:
        """Whether all pixels look as in the source."""
        return math.isinf(self.psnr) and not self.losses

    @property
    def ratio(self) -> float:
        """Bytes of the raw pixels over bytes of the file."""
        return self.raw_size / self.size

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `psnr` is None where no pixel differs."""
        values = asdict(self)
        values.update(
            psnr=None if math.isinf(self.psnr) else round(self.psnr, 4),
            quality=None if self.quality is None else round(self.quality, 2),
            lossless=self.lossless,
            ratio=round(self.ratio, 4),
            seconds=round(self.seconds, 4),
        )
        return values


def quantize_source(source: Source, request: QuantizeRequest) -> IndexedImage:
    """Quantise an image read from a file; keep a palette image of no more than k colours.

    Parameters
    ----------
    source : Source
    request : QuantizeRequest
        Without k, pixels get 256 entries, and palette images keep all of theirs.
    """
    image, k = source.image, request.k
    if isinstance(image, IndexedImage) and k is not None and len(image.palette) > k:
        image = image.to_array()
    return quantized(image, request, source.metadata)


def encode_file(
    job: Job,
    k: int | None = None,
    *,
    advance: Callable[[float | None], None] = lambda _: None,
    **options: Unpack[FileOptions],
) -> EncodeReport:
    """Encode one file; see `encode_files` for options and `encode_job` for errors.

    Parameters
    ----------
    job : Job
    k, **options
        See `encode_files`.
    advance
        See `encode_job`.
    """
    return encode_job(job, FileRequest.of("encode_file", k, **options), advance)


def encode_job(
    job: Job, request: FileRequest, advance: Callable[[float | None], None] = lambda _: None
) -> EncodeReport:
    """Run one job.

    Parameters
    ----------
    job : Job
    request : FileRequest
    advance : callable
        Called with None after each step towards the goal; for a large file called now and then
        with the finished share of the work.

    Raises
    ------
    KmcGoalError
        If a strict goal cannot be reached; nothing is written.
    KmcError
        If the source cannot be read or the target cannot be written.
    """
    started = time.perf_counter()
    if request.labels:
        return _encode_labels(job, request, started)
    file = None
    if request.rows_will_do:
        file = open_rows(job.source, request.large, request.max_pixels)
    if file is not None:
        if request.strip:
            file = stripped(file, job.source)
        return _encode_rows(job, file, request.encoding, advance)
    source = _read(job, request)
    if request.strip:
        source = stripped(source, job.source)
    losses = list(source.losses)
    with named_warnings(job.source, losses):
        encoded = encode_source(source, request, advance)
    source = replace(source, losses=tuple(losses))
    goal = request.encoding.goal
    if encoded.shortfall and goal is not None and goal.strict:
        raise KmcGoalError(f"{job.source}: {encoded.shortfall}")
    written = not request.skip_if_larger or len(encoded.data) < source.size
    if written:
        write_job(job, encoded.data)
    report = report_of(job, source, encoded, written, started)
    if goal is not None and goal.quality is not None:
        report = replace(report, quality=score_of(source, encoded))
    return replace(report, seconds=time.perf_counter() - started)


def _read(job: Job, request: FileRequest) -> Source:
    """Read the source, as labels if it holds labels and the request can keep them."""
    quantizing, goal = request.encoding.quantizing, request.encoding.goal
    read = functools.partial(
        read_source, job.source, request.variable, frames=True, max_pixels=request.max_pixels
    )
    searches = goal is not None or quantizing.palette is not None or quantizing.search.keep
    source = read(labels=not searches)
    if not _has_too_many_labels(source, quantizing.k):
        return source
    source = read(labels=False)
    if source.metadata.labels is None:  # else its own labels are dropped with a warning
        warn(f"{source.name}: more labels than {quantizing.k} entries hold, encoded as a picture")
    return source


def stripped(source: _S, name: str) -> _S:
    """Drop the metadata of a source, but not its labels; warn if that changes how it looks."""
    icc = source.metadata.icc
    lost: tuple[str, ...] = ()
    if icc is not None and not is_like_srgb(icc):
        lost = ("dropped the colour profile",)
        warn(f"{name}: {lost[0]}", KmcLossWarning)
    # Labels are no description of the image, but half of it.
    kept = Metadata(labels=source.metadata.labels)
    return replace(source, metadata=kept, losses=source.losses + lost)


def _has_too_many_labels(source: Source, k: int | None) -> bool:
    if k is None or not isinstance(source.image, IndexedImage):
        return False
    return source.metadata.labels is not None and len(source.image.palette) > k


def encode_files(
    jobs: Sequence[Job | KmcError],
    k: int | None = None,
    *,
    executor: Worker = None,
    **options: Unpack[FileOptions],
) -> Iterator[Done[EncodeReport]]:
    """Encode files, on an executor if given.

    Parameters
    ----------
    jobs : sequence of Job or KmcError
        From `plan`, which returns an error for each file that cannot be processed.
    k : int, optional
        Without it, pixels get 256 entries, and palette images keep all of theirs.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Runs the jobs, such as a `LocalPool` of `kmcodec.batch`; the calling thread if not given.
    **options
        All other options of `encode`, and `palettes`, `labels`, `variable`, `strip`,
        `skip_if_larger`, `max_pixels` and `large` of `FileRequest`.

    Yields
    ------
    Done
        Report or error of each job except skipped ones, in order; a failing job stops no other.

    Raises
    ------
    KmcInputError
        If an option is unknown or wrong, or two exclude each other.
    """
    return encode_jobs(jobs, FileRequest.of("encode_files", k, **options), executor)


def encode_jobs(
    jobs: Sequence[Job | KmcError], request: FileRequest, executor: Worker = None
) -> Iterator[Done[EncodeReport]]:
    """Run many jobs; see `encode_files`.

    Parameters
    ----------
    jobs, executor
        See `encode_files`.
    request : FileRequest
    """
    work = functools.partial(encode_job, request=request)
    return run_each(work, due(jobs), executor)


def _pixels_of(source: Source) -> tuple[NDArray[np.uint8], int]:
    """Return the pixels of all frames side by side, and their number."""
    if source.frames is None:
        return source.pixels, 1
    return sheet_of(source.frames.images), len(source.frames.images)


def score_of(source: Source, encoded: EncodedScenes) -> float:
    """Return the score of SSIMULACRA2, of frames the mean."""
    return FramesReference(*_pixels_of(source)).score(encoded.to_array())


def report_of(
    job: Job, source: Source, encoded: EncodedScenes, written: bool, started: float
) -> EncodeReport:
    """Describe the result of a job; its seconds count from `started`."""
    pixels, frames = _pixels_of(source)
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
        losses=source.losses,
    )


def encode_source(
    source: Source,
    request: FileRequest,
    advance: Callable[[float | None], None],
    encode: Callable[[IndexedImage], bytes] | None = None,
) -> EncodedScenes:
    """Quantise and encode a source; for one of one frame, `encode` may write another format."""
    encoding = request.encoding
    if source.frames is not None:
        images = source.frames.images
        return encode_images(
            images,
            encoding,
            table_of(len(images), source.frames.durations, source.frames.loop),
            palettes=request.palettes,
            metadata=without_labels(source.metadata),
            advance=lambda: advance(None),
        )
    if encoding.goal is not None:
        outcome = _optimize_source(source, encoding, encoding.goal, advance, encode)
        return EncodedScenes([outcome.image], outcome.data, outcome.shortfall)
    image = quantize_source(source, encoding.quantizing)
    return EncodedScenes([image], (encode or encoding.assembly.encode)(image))


def _encode_labels(job: Job, request: FileRequest, started: float) -> EncodeReport:
    """Encode a file as labels, whatever its samples look like."""
    source = read_labels(job.source, request.variable, max_pixels=request.max_pixels)
    assembly = request.encoding.assembly
    with named_warnings(job.source):
        data = encode_labels(
            source.labels,
            coding=assembly.coding,
            effort=assembly.effort,
            strip_rows=assembly.strip_rows,
            metadata=None if request.strip else source.metadata,
        )
    written = not request.skip_if_larger or len(data) < source.size
    if written:
        write_job(job, data)
    header = ContainerReader(io.BytesIO(data)).header
    return EncodeReport(
        source=job.source,
        output=job.target,
        width=header.width,
        height=header.height,
        channels=header.channels,
        entries=header.entries,
        psnr=math.inf,
        raw_size=source.labels.nbytes,
        source_size=source.size,
        size=len(data),
        seconds=time.perf_counter() - started,
        written=written,
    )


def _optimize_source(
    source: Source,
    request: EncodeRequest,
    goal: Goal,
    advance: Callable[[float | None], None],
    encode: Callable[[IndexedImage], bytes] | None,
) -> Outcome:
    image, k = source.image, request.quantizing.k
    if isinstance(image, IndexedImage) and k is not None and len(image.palette) > k:
        image = image.to_array()
    return optimize(
        image,
        request.quantizing,
        goal,
        request.assembly,
        metadata=source.metadata,
        encode=encode,
        advance=lambda: advance(None),
    )


def _encode_rows(
    job: Job, file: RowFile, request: EncodeRequest, progress: Callable[[float], None]
) -> EncodeReport:
    started = time.perf_counter()
    losses = list(file.losses)
    with named_warnings(job.source, losses):
        source = row_source(job.source, file)
        metadata = without_labels(file.metadata)
        encoder = RowEncoder(source, request, metadata, progress, measures=True)

        def parts() -> Iterator[bytes]:
            with row_errors(job.source):
                yield from encoder.parts()

        write_job(job, parts())
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
        losses=tuple(losses),
    )
