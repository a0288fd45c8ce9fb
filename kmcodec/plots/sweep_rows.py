"""How K trades quality for bytes: one image encoded at several palette sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import AUTO
from kmcodec.encoder import encode
from kmcodec.model.image import IndexedImage
from kmcodec.model.metrics import psnr, squared_error
from kmcodec.quantizer import quantize

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kmcodec.options import QuantizeOptions

__all__ = ["SweepRow", "sweep"]


@dataclass(frozen=True, eq=False)
class SweepRow:
    """What came of one K.

    Parameters
    ----------
    k : int
        Asked for.
    entries : int
        Of the palette; fewer than k if the image has fewer colours.
    inertia : float
        Sum of squared differences over all pixels and channels.
    psnr : float
        Decibels, `math.inf` if no pixel differs.
    size : int
        Bytes of the `.kmc` file.
    ratio : float
        Bytes of the raw pixels at 24 bits each, over `size`.
    image : IndexedImage
    """

    k: int
    entries: int
    inertia: float
    psnr: float
    size: int
    ratio: float
    image: IndexedImage


def sweep(
    pixels: NDArray[np.uint8],
    colors: Iterable[int],
    *,
    coding: str,
    effort: str = AUTO,
    **options: Unpack[QuantizeOptions],
) -> Iterator[SweepRow]:
    """Encode an image once for each K.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    colors : iterable of int
        The values of K.
    coding, effort : str
        See `encode`.
    **options
        See `quantize`.
    """
    for k in colors:
        image = quantize(pixels, k, **options)
        decoded = image.to_array()
        size = len(encode(image, coding=coding, effort=effort))
        yield SweepRow(
            k=k,
            entries=len(image.palette),
            inertia=squared_error(pixels, decoded),
            psnr=psnr(pixels, decoded),
            size=size,
            ratio=3 * image.width * image.height / size,
            image=image,
        )
