"""Make images of PNG and GIF files smaller: as `.kmc` files, or as PNG files with a palette."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.animation.encode_frames import EncodedScenes
from kmcodec.batch.encoding import (
    EncodeReport,
    encode_source,
    report_of,
    score_of,
    stripped,
)
from kmcodec.batch.file_request import FileRequest
from kmcodec.batch.job_targets import write_job
from kmcodec.batch.planning import Job, make_folder
from kmcodec.errors import KmcGoalError, KmcInputError, warn
from kmcodec.formats.apng import is_png
from kmcodec.formats.gif import is_gif
from kmcodec.model.image import MAX_COLORS, IndexedImage
from kmcodec.model.keys import keys_of
from kmcodec.model.pixels import to_channels
from kmcodec.perception.score import MOST_PIXELS
from kmcodec.quantization import QuantizeRequest
from kmcodec.quantizer import ImageLike, pixels_of
from kmcodec.request import EncodeRequest
from kmcodec.sources.images import Source, named_warnings, read_source
from kmcodec.storage.door import read_input
from kmcodec.targets.palette_png import MOST_ENTRIES, encode_palette_png

__all__ = ["DEFAULT_QUALITY", "OptimizeReport", "OptimizeRequest", "optimize_job", "state_of"]

DEFAULT_QUALITY = "70-90"
"""The scores of SSIMULACRA2 to accept and to reach, unless told otherwise."""

# Images of at most so many colours are kept exactly: palette images have no more.
_EXACT = 256


@dataclass(frozen=True, eq=False, kw_only=True)
class OptimizeRequest:
    """How to make files smaller.

    Parameters
    ----------
    files : FileRequest
        For images of too many colours to be kept exactly; its goal is strict.
    as_png : bool
        Write PNG files with a palette instead of `.kmc` files.
    lossless : bool
        Leave images alone that would not be kept exactly.
    replaces : bool
        Whether results replace their sources, which are then all that is left of the image.
    dry : bool
        Write nothing.
    """

    files: FileRequest
    as_png: bool = False
    lossless: bool = False
    replaces: bool = False
    dry: bool = False

    @property
    def most_exact(self) -> int:
        """The most colours of images that are kept exactly."""
        most = MAX_COLORS if self.lossless else self.files.encoding.quantizing.k or _EXACT
        return min(most, MOST_ENTRIES) if self.as_png else most


@dataclass(frozen=True)
class OptimizeReport:
    """The result for a file.

    Parameters
    ----------
    source : str
    left_alone : str, optional
        Why the file was not encoded.
    encoded : EncodeReport, optional
        If it was. `written` is False if the result would not be smaller; in a dry run it tells
        what would be written.
    """

    source: str
    left_alone: str | None = None
    encoded: EncodeReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        if self.encoded is not None:
            return self.encoded.to_dict()
        return {"source": self.source, "left_alone": self.left_alone}


def optimize_job(
    job: Job, request: OptimizeRequest, advance: Callable[[float | None], None] = lambda _: None
) -> OptimizeReport:
    """Make one file smaller; write nothing that is not smaller than its source.

    Parameters
    ----------
    job : Job
    request : OptimizeRequest
    advance : callable
        See `encode_job`.

    Raises
    ------
    KmcGoalError
        If the quality cannot be reached.
    KmcError
        If the source is no PNG or GIF, cannot be read, or the target cannot be written.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = _optimized(job, request, advance)
    # What was reduced is no news if nothing came of it.
    for warning in caught if report.left_alone is None else ():
        warn(warning.message)
    return report


def _optimized(
    job: Job, request: OptimizeRequest, advance: Callable[[float | None], None]
) -> OptimizeReport:
    started = time.perf_counter()
    head = read_input(job.source, 16)
    if not (is_png(head) or is_gif(head)):
        raise KmcInputError(f"{job.source}: not a PNG or GIF file")
    if request.replaces and (reason := _unreplaceable(job.source, head)):
        return OptimizeReport(job.source, reason)
    before = os.stat(job.source)
    files = request.files
    source = read_source(job.source, frames=True, max_pixels=files.max_pixels, labels=False)
    if files.strip:
        source = stripped(source, job.source)
    exact = _has_few_colors(source, request.most_exact)
    if reason := _reason_to_leave(source, request, exact):
        return OptimizeReport(job.source, reason)
    losses = list(source.losses)
    with named_warnings(job.source, losses):
        encoded = _encoded_exactly(source, request) if exact else _reduced(source, request, advance)
    source = replace(source, losses=tuple(losses))
    if encoded.shortfall:
        raise KmcGoalError(f"{job.source}: {encoded.shortfall}")
    is_smaller = len(encoded.data) < source.size
    if is_smaller and not request.dry:
        if request.replaces and state_of(before) != state_of(os.stat(job.source)):
            raise KmcInputError(f"{job.source}: changed in the meantime, not replaced")
        make_folder(os.path.dirname(job.target) or os.curdir)
        write_job(job, encoded.data)
    report = report_of(job, source, encoded, is_smaller, started)
    if files.encoding.goal is not None and not exact:
        report = replace(report, quality=score_of(source, encoded))
    return OptimizeReport(job.source, None, report)


def _unreplaceable(path: str, head: bytes) -> str | None:
    """Say why a file cannot be replaced by a PNG."""
    if os.path.islink(path):
        return "a symbolic link: name the file that it leads to"
    return "a GIF: --replace writes PNG files only" if is_gif(head) else None


def _reason_to_leave(source: Source, request: OptimizeRequest, exact: bool) -> str | None:
    if request.as_png and source.frames is not None:
        return "animated: -t png writes single images"
    if source.losses and request.lossless:
        return f"not kept exactly: {source.losses[0]}"
    if source.losses and request.replaces:
        return f"--replace would lose more than colours: {source.losses[0]}"
    if request.lossless and not exact:
        return f"more than {request.most_exact:,} colours"
    return None


def _has_few_colors(source: Source, most: int) -> bool:
    """Whether the image, or all frames together, have at most so many colours.

    Frames with palettes of their own are kept exactly if each of them has so few.
    """
    images = [source.image] if source.frames is None else list(source.frames.images)
    found = [_colors_of(image) for image in images]
    if all(isinstance(image, IndexedImage) for image in images):
        return all(len(colors) <= most for colors in found)
    together = np.zeros(0, np.uint32)
    for colors in found:
        together = np.union1d(together, colors)
        if len(together) > most:
            return False
    return True


def _colors_of(image: ImageLike) -> NDArray[Any]:
    """Return the distinct colours of an image, as keys; all that are clear are one."""
    if isinstance(image, IndexedImage):
        image = image.palette[np.unique(image.indices)][np.newaxis]
    pixels, _ = pixels_of(image)
    rows = to_channels(pixels.reshape(-1, 1 if pixels.ndim == 2 else pixels.shape[2]), 4)
    return np.unique(np.where(rows[:, 3] == 0, 0, keys_of(rows)))


def _encoded_exactly(source: Source, request: OptimizeRequest) -> EncodedScenes:
    """Encode the colours as they are, in the smallest of several ways."""
    ways = [True]
    if isinstance(source.image, IndexedImage) and not request.as_png:
        ways.append(False)  # the palette's own order may predict better
    made = []
    for reorder in ways:
        quantizing = QuantizeRequest(k=request.most_exact, reorder=reorder)
        if source.frames is not None:
            # Without a number of colours, each run of frames may keep its own palette.
            quantizing = QuantizeRequest(reorder=reorder)
        encoding = EncodeRequest(quantizing=quantizing, assembly=request.files.encoding.assembly)
        files = replace(request.files, encoding=encoding)
        made.append(encode_source(source, files, lambda _: None, _encoder(request)))
    return min(made, key=lambda encoded: len(encoded.data))


def _reduced(
    source: Source, request: OptimizeRequest, advance: Callable[[float | None], None]
) -> EncodedScenes:
    """Reduce the colours to the wanted number, or as far as the quality allows."""
    files = request.files
    frames = 1 if source.frames is None else len(source.frames.images)
    count = frames * source.pixels.shape[0] * source.pixels.shape[1]
    if files.encoding.goal is not None and count > MOST_PIXELS:
        raise KmcInputError(
            f"{source.name}: quality is measured of up to {MOST_PIXELS:,} pixels, not of "
            f"{count:,}: give a number of colours with -k, without --quality"
        )
    return encode_source(source, files, advance, _encoder(request))


def _encoder(request: OptimizeRequest) -> Callable[[IndexedImage], bytes] | None:
    return encode_palette_png if request.as_png else None


def state_of(status: os.stat_result) -> tuple[int, ...]:
    """Return what tells a file from the same one after a change or a replacement."""
    return status.st_ino, status.st_size, status.st_mtime_ns
