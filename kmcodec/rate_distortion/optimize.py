"""Find the palette image that meets a goal for an image."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.formats.fitting import fitting_metadata
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.pixels import to_channels
from kmcodec.model.stale_labels import without_labels
from kmcodec.perception import price_weights
from kmcodec.quantization import Placing, QuantizeRequest
from kmcodec.quantizer import ImageLike, pixels_of, quantized
from kmcodec.rate_distortion.builders import Builder, ImageBuilder
from kmcodec.rate_distortion.goal import Goal
from kmcodec.rate_distortion.goals import (
    Maker,
    Outcome,
    best_within_bytes,
    smallest_at_psnr,
    smallest_within_tolerance,
)
from kmcodec.rate_distortion.quality import Way, smallest_at_quality, ways_of
from kmcodec.rate_distortion.source import Source
from kmcodec.writing.assembly import Assembly

__all__ = ["Subject", "meet", "optimize"]

# Default maximum of entries when a goal determines their number: for qualities beyond it, formats
# for photographs need fewer bytes.
_MOST_COLORS = 4096
# Images that a maker remembers: searches for a quality come back to them.
_REMEMBERED = 12


@dataclass(frozen=True)
class Subject:
    """The pixels and metadata for which a goal is set.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        Pixels of the image, or of all frames side by side.
    metadata : Metadata
        Metadata of the file.
    kept : callable
        Returns the palette image of a request, without a goal; it keeps the palette of the source
        if possible.
    quantized : callable
        The same from the pixels alone.
    """

    pixels: NDArray[np.uint8]
    metadata: Metadata
    kept: Callable[[QuantizeRequest], IndexedImage]
    quantized: Callable[[QuantizeRequest], IndexedImage]


def optimize(
    image: ImageLike,
    request: QuantizeRequest,
    goal: Goal,
    assembly: Assembly,
    *,
    metadata: Metadata | None = None,
    encode: Callable[[IndexedImage], bytes] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Outcome:
    """Quantise an image for the smallest or best file that a goal allows.

    Parameters
    ----------
    image
        See `quantize`.
    request : QuantizeRequest
        With a quality or a size as the goal its k is the maximum number of entries.
    goal : Goal
    assembly : Assembly
        Options of the file; its coding is `context`.
    metadata : Metadata, optional
        Metadata of the file, instead of the image's own.
    encode : callable, optional
        See `ImageBuilder`.
    advance : callable
        Called after each step of the work.

    Raises
    ------
    KmcInputError
        If the image is wrong, or does not match the request.
    """
    pixels, own = pixels_of(image)
    subject = Subject(
        pixels,
        # The goal needs the size of the metadata now, but labels are known only at the end.
        without_labels(own if metadata is None else metadata),
        kept=lambda request: quantized(image, request, Metadata()),
        quantized=lambda request: quantized(pixels, request),
    )
    return meet(goal, subject, request, ImageBuilder(assembly, encode), advance=advance)


def meet(
    goal: Goal,
    subject: Subject,
    request: QuantizeRequest,
    builder: Builder,
    *,
    advance: Callable[[], None] = lambda: None,
) -> Outcome:
    """Find the smallest or best file that a goal allows.

    Parameters
    ----------
    goal : Goal
    subject : Subject
    request : QuantizeRequest
        See `optimize`.
    builder : Builder
        Builds the file.
    advance : callable
        Called after each step of the work.
    """
    k, has_palette = request.k, request.palette is not None
    # Keep a palette image unchanged if its pixels must not change.
    if goal.rdo is not None:
        first = subject.kept(request)
    else:
        first = subject.quantized(request if has_palette else request.with_most(1))
    metadata = fitting_metadata(subject.metadata, first.channels)
    pixels = to_channels(subject.pixels.reshape(*subject.pixels.shape[:2], -1), first.channels)

    def quantized_as(request: QuantizeRequest) -> IndexedImage:
        image = subject.quantized(request)
        return IndexedImage(image.palette, image.indices, metadata)

    def source_of(placing: Placing, weights: NDArray[np.uint16] | None = None) -> Source:
        return Source(
            pixels,
            placing=placing,
            has_own_palette=not has_palette,
            keep=request.search.keep,
            builder=builder,
            weights=weights,
        )

    def maker_of(request: QuantizeRequest) -> Maker:
        @functools.lru_cache(_REMEMBERED)
        def quantized(k: int) -> IndexedImage:
            return quantized_as(request if has_palette else request.with_most(k))

        return Maker(
            quantized=quantized,
            least=max(1, len(request.search.keep)),
            most=len(first.palette) if has_palette else _MOST_COLORS if k is None else k,
            encoded=builder.encode,
            overhead=builder.overhead,
            advance=advance,
        )

    if goal.quality is not None:
        quick, weights = builder.quick(), price_weights(pixels, builder.frames)
        ways: list[Way] = []
        makers: dict[tuple[str, str], Maker] = {}
        for way in ways_of(request):
            source = source_of(way.placing, weights)
            # Where the choice carries errors, dithering beforehand would be undone.
            own = way.without_dither() if source.carries_errors else way
            maker = makers.setdefault((own.placing.space, own.placing.dither), maker_of(own))
            ways.append(Way(source, source.coded_by(quick), maker))
        return smallest_at_quality(ways, pixels, builder.frames, *goal.quality)
    maker = maker_of(request)
    source = source_of(request.placing)
    if goal.rdo is not None:
        first = IndexedImage(first.palette, first.indices, metadata)
        return smallest_within_tolerance(source, first, goal.rdo, maker)
    if goal.psnr is not None:
        return smallest_at_psnr(source, maker, goal.psnr)
    assert goal.max_bytes is not None
    return best_within_bytes(source, maker, goal.max_bytes)
