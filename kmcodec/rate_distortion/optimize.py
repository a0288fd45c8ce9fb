"""From an image and a goal to the palette image that meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError
from kmcodec.formats.fitting import fitting_metadata
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.label_text import without_labels
from kmcodec.model.pixels import to_channels
from kmcodec.options import checked_integer, checked_number
from kmcodec.quantizer import ImageLike, Settings, pixels_of, quantize, quantized
from kmcodec.rate_distortion.builders import Builder, ImageBuilder
from kmcodec.rate_distortion.goals import (
    Maker,
    Outcome,
    best_within_bytes,
    smallest_at_psnr,
    smallest_within_tolerance,
)
from kmcodec.rate_distortion.source import Source
from kmcodec.writing.assembly import Assembly

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kmcodec.options import QuantizeOptions

__all__ = ["Goal", "Subject", "meet", "optimize"]

# Entries that a palette may get where a goal is to find their number, and none is given as the
# most: what more could reach, formats for photographs reach with less.
_MOST_COLORS = 4096


@dataclass(frozen=True)
class Goal:
    """What an image is made for: one of these.

    Parameters
    ----------
    tolerance : float, optional
        Decibels that the PSNR may be below that of the nearest entries.
    psnr : float, optional
        Decibels to reach.
    max_bytes : int, optional
        Bytes not to exceed.
    """

    tolerance: float | None = None
    psnr: float | None = None
    max_bytes: int | None = None

    @classmethod
    def of(
        cls, rdo: float | None, psnr: float | None, max_bytes: int | None, coding: str
    ) -> Goal | None:
        """The goal that options of `kmcodec.encode` ask for, checked; None if none.

        Raises
        ------
        KmcInputError
            If one of them is wrong, or there are several.
        """
        given = {"rdo": rdo, "psnr": psnr, "max_bytes": max_bytes}
        names = [name for name, value in given.items() if value is not None and value is not False]
        if not names:
            return None
        if len(names) > 1:
            raise KmcInputError(f"{' and '.join(names)} exclude each other")
        if coding != "context":
            raise KmcInputError(f"{names[0]} takes the context coder, not coding {coding!r}")
        if max_bytes is not None:
            return cls(max_bytes=checked_integer("max_bytes", max_bytes, 1))
        if psnr is not None:
            return cls(psnr=checked_number("psnr", psnr, 0, 100))
        return cls(tolerance=checked_number("rdo", rdo or 0, 0, 20))


@dataclass(frozen=True)
class Subject:
    """What a goal is for.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        Of the image, or of all frames side by side.
    metadata : Metadata
        What the file will hold.
    kept : callable
        The palette image of at most so many entries that is made without a goal: where the source
        has a palette, that is kept if it can be.
    quantized : callable
        The same of the pixels alone.
    """

    pixels: NDArray[np.uint8]
    metadata: Metadata
    kept: Callable[[int | None], IndexedImage]
    quantized: Callable[[int | None], IndexedImage]


def optimize(
    image: ImageLike,
    k: int | None,
    goal: Goal,
    assembly: Assembly,
    *,
    metadata: Metadata | None = None,
    advance: Callable[[], None] = lambda: None,
    **options: Unpack[QuantizeOptions],
) -> Outcome:
    """Quantise an image for the smallest file, or the best one, that a goal allows.

    Parameters
    ----------
    image
        See `quantize`.
    k : int, optional
        Palette entries; with a quality or a size as the goal the most there may be.
    goal : Goal
    assembly : Assembly
        How the file will be made; its coding is the context coder.
    metadata : Metadata, optional
        What the file will hold instead of the image's own.
    advance : callable
        Called after each step of the work.
    **options
        All others of `quantize`.

    Raises
    ------
    KmcInputError
        If the image or an option is wrong.
    """
    pixels, own = pixels_of(image)
    subject = Subject(
        pixels,
        # Which labels there are left is known only in the end, but how long the metadata are, now.
        without_labels(own if metadata is None else metadata),
        kept=lambda k: quantized(image, Settings(k=k, **options), Metadata()),
        quantized=lambda k: quantize(pixels, k, **options),
    )
    return meet(goal, subject, k, ImageBuilder(assembly), advance=advance, **options)


def meet(
    goal: Goal,
    subject: Subject,
    k: int | None,
    builder: Builder,
    *,
    advance: Callable[[], None] = lambda: None,
    **options: Unpack[QuantizeOptions],
) -> Outcome:
    """Find the smallest file, or the best one, that a goal allows.

    Parameters
    ----------
    goal : Goal
    subject : Subject
    k : int, optional
        See `optimize`.
    builder : Builder
        What makes the file.
    advance : callable
        Called after each step of the work.
    **options
        Those that the subject is quantised with.
    """
    has_palette = options.get("palette") is not None
    # A palette image is taken as it is where its pixels are not to change.
    if goal.tolerance is not None:
        first = subject.kept(k)
    else:
        first = subject.quantized(None if has_palette else 1)
    metadata = fitting_metadata(subject.metadata, first.channels)

    def described(image: IndexedImage) -> IndexedImage:
        return IndexedImage(image.palette, image.indices, metadata)

    first = described(first)
    pixels = subject.pixels
    source = Source(
        to_channels(pixels.reshape(*pixels.shape[:2], -1), first.channels),
        space=options.get("space", "srgb"),
        dithered=options.get("dither", "none") != "none",
        has_own_palette=not has_palette,
        builder=builder,
    )
    maker = Maker(
        quantized=lambda k: first if has_palette else described(subject.quantized(k)),
        most=len(first.palette) if has_palette else _MOST_COLORS if k is None else k,
        encoded=builder.encode,
        overhead=builder.overhead,
        advance=advance,
    )
    if goal.tolerance is not None:
        return smallest_within_tolerance(source, first, goal.tolerance, maker)
    if goal.psnr is not None:
        return smallest_at_psnr(source, maker, goal.psnr)
    assert goal.max_bytes is not None
    return best_within_bytes(source, maker, goal.max_bytes)
