"""Whole files: read, encode or decode, write, and tell what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kmcodec.animated_targets import encode_animation
from kmcodec.animation import quantize_frames, read_frames, sheet_of, table_of
from kmcodec.assembly import Assembly
from kmcodec.atomic import write_atomically
from kmcodec.coding import AUTO
from kmcodec.decoder import read_indexed
from kmcodec.errors import KmcGoalError
from kmcodec.files import open_kmc
from kmcodec.image import IndexedImage, Metadata
from kmcodec.metrics import psnr
from kmcodec.planning import STANDARD, Job
from kmcodec.quantizer import quantize
from kmcodec.rate_distortion import Goal, Outcome, optimize
from kmcodec.reader import DEFAULT_MAX_PIXELS
from kmcodec.salvage import salvage_indexed
from kmcodec.sources import Source, SourceFrames, read_source
from kmcodec.targets import encode_image, write_target

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kmcodec.options import QuantizeOptions

__all__ = ["EncodeReport", "decode_file", "encode_file", "quantize_source"]


@dataclass(frozen=True)
class EncodeReport:
    """What came of encoding a file.

    Parameters
    ----------
    source, output : str
    width, height, channels : int
    entries : int
        Of the palette.
    psnr : float
        Decibels against the source, `math.inf` if lossless.
    raw_size : int
        Bytes of the pixels at 24 bits each.
    source_size, size : int
        Bytes of the source file and of the `.kmc` file.
    seconds : float
    shortfall : str, optional
        What a goal was missed by.
    frames : int
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
    frames: int = 1

    @property
    def ratio(self) -> float:
        """How many times smaller than the raw pixels."""
        return self.raw_size / self.size

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `psnr` is None where `lossless` is True."""
        lossless = math.isinf(self.psnr)
        values = asdict(self)
        values.update(
            psnr=None if lossless else round(self.psnr, 4),
            lossless=lossless,
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
    indexed = quantize(image, k, **options)
    return IndexedImage(indexed.palette, indexed.indices, source.metadata)


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
    advance: Callable[[], None] = lambda: None,
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
    advance : callable
        Called after each step towards the goal.
    **options
        See `quantize`.

    Raises
    ------
    KmcGoalError
        If a goal cannot be reached, and `strict` is set: nothing is written then.
    KmcError
        If the source cannot be read or the target not be written.
    """
    started = time.perf_counter()
    source = read_source(job.source, variable, frames=goal is None)
    assembly = Assembly(coding, effort, strip_rows)
    pixels, frames = source.pixels, 1
    if source.frames is not None:
        frames, pixels = len(source.frames.images), sheet_of(source.frames.images)
        outcome = _encode_frames(source.frames, source.metadata, k, assembly, **options)
    elif goal is None:
        quantized = quantize_source(source, k, **options)
        outcome = Outcome(quantized, assembly.encode(quantized))
    else:
        outcome = _optimize_source(source, k, goal, assembly, advance, **options)
    if outcome.shortfall and strict:
        raise KmcGoalError(f"{job.source}: {outcome.shortfall}")
    indexed = outcome.image
    _write(job, outcome.data)
    return EncodeReport(
        source=job.source,
        output=job.target,
        width=indexed.width // frames,
        height=indexed.height,
        channels=indexed.channels,
        entries=len(indexed.palette),
        psnr=psnr(pixels, indexed.to_array()),
        raw_size=3 * indexed.width * indexed.height,
        source_size=source.size,
        size=len(outcome.data),
        seconds=time.perf_counter() - started,
        shortfall=outcome.shortfall,
        frames=frames,
    )


def _encode_frames(
    frames: SourceFrames,
    metadata: Metadata,
    k: int | None,
    assembly: Assembly,
    **options: Unpack[QuantizeOptions],
) -> Outcome:
    """Encode an animation; the outcome's image has all frames side by side."""
    table = table_of(len(frames.images), frames.durations, frames.loop)
    sheet = quantize_frames(frames.images, k, **options)
    sheet = IndexedImage(sheet.palette, sheet.indices, metadata)
    return Outcome(sheet, assembly.encode_frames(sheet, table))


def _optimize_source(
    source: Source,
    k: int | None,
    goal: Goal,
    assembly: Assembly,
    advance: Callable[[], None],
    **options: Unpack[QuantizeOptions],
) -> Outcome:
    image = source.image
    if isinstance(image, IndexedImage) and k is not None and len(image.palette) > k:
        image = image.to_array()
    return optimize(image, k, goal, assembly, metadata=source.metadata, advance=advance, **options)


def decode_file(
    job: Job,
    ending: str,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    rows: tuple[int, int] | None = None,
    salvage: bool = False,
) -> tuple[IndexedImage, int, tuple[str, ...]]:
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

    Returns
    -------
    image : IndexedImage
    size : int
        Bytes written.
    lost : tuple of str
        What could not be salvaged.

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
        elif rows is not None:
            image = read_indexed(stream, max_pixels=max_pixels, rows=rows)
        else:
            animation = read_frames(stream, max_pixels=max_pixels)
            image = animation[0]
            if len(animation) > 1:
                data = encode_animation(animation, ending)
    if data is None:
        data = encode_image(image, ending)
    _write(job, data)
    return image, len(data), lost


def _write(job: Job, data: bytes) -> None:
    if job.target == STANDARD:
        write_target(STANDARD, data)
    else:
        write_atomically(job.target, data, create_only=not job.replace)
