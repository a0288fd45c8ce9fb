"""How K trades quality for bytes: one image encoded at several palette sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import IndexedImage
from kmcodec.model.metrics import psnr, squared_error
from kmcodec.perception import reference_for
from kmcodec.quantizer import quantized
from kmcodec.request import EncodeRequest

__all__ = ["SweepRow", "sweep"]


@dataclass(frozen=True, eq=False)
class SweepRow:
    """The result of one K.

    Parameters
    ----------
    k : int
        Requested palette entries.
    entries : int
        Actual palette entries; fewer than k if the image has fewer colours.
    inertia : float
        Sum of squared differences over all pixels and channels.
    psnr : float
        Decibels, `math.inf` if no pixel differs.
    ssimulacra2 : float or None
        See `kmcodec.ssimulacra2`; None for an image that is too large for it.
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
    ssimulacra2: float | None
    size: int
    ratio: float
    image: IndexedImage


def sweep(
    pixels: NDArray[np.uint8],
    colors: Iterable[int],
    request: EncodeRequest,
) -> Iterator[SweepRow]:
    """Encode an image once for each K.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    colors : iterable of int
        The values of K.
    request : EncodeRequest
        Without a goal; its k is ignored.
    """
    reference = reference_for(pixels)
    for k in colors:
        image = quantized(pixels, request.quantizing.with_k(k))
        decoded = image.to_array()
        size = len(request.assembly.encode(image))
        yield SweepRow(
            k=k,
            entries=len(image.palette),
            inertia=squared_error(pixels, decoded),
            psnr=psnr(pixels, decoded),
            ssimulacra2=reference.score(decoded) if reference else None,
            size=size,
            ratio=3 * image.width * image.height / size,
            image=image,
        )
