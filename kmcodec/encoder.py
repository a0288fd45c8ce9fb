"""Encode images as the bytes of `.kmc` files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmcodec.errors import KmcGoalError, warn
from kmcodec.model.image import Metadata
from kmcodec.quantization import QuantizeOptions
from kmcodec.quantizer import ImageLike, quantized
from kmcodec.rate_distortion import Goal, optimize
from kmcodec.request import EncodeRequest
from kmcodec.writing.assembly import Assembly

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["encode", "file_of"]


def encode(
    image: ImageLike,
    k: int | None = None,
    *,
    coding: str = Assembly.coding,
    effort: str = Assembly.effort,
    strip_rows: int | None = None,
    metadata: Metadata | None = None,
    rdo: float | None = None,
    psnr: float | None = None,
    max_bytes: int | None = None,
    quality: float | str | tuple[float, float] | None = None,
    strict: bool = False,
    **options: Unpack[QuantizeOptions],
) -> bytes:
    """Encode an image as a `.kmc` file.

    Parameters
    ----------
    image, k
        See `quantize`.
    coding : {'context', 'labels', 'deflate', 'packed'}
        How the indices are coded.  is for maps of labels, and quick.
    effort : {'auto', 'fastest', 'fast', 'default', 'max'}
        Time to spend on a smaller file. `auto` selects the strongest effort for which the compiled
        decoder takes about half a second on one core; that for browsers takes 2 to 7 times as long.
    strip_rows : int, optional
        Rows in each independently coded strip, up to 65,535; 0 for one strip. If not given, images
        of more than 4 megapixels may get strips of 2 to 16 megapixels, the busier the smaller.
    metadata : Metadata, optional
        What to write instead of the image's own metadata; ``Metadata()`` for none.
    rdo : float, optional
        Choose indices by their coding cost: make the smallest file whose PSNR is at most so many
        decibels below that of the nearest entries. With ``dither="floyd-steinberg"`` choices carry
        their errors on, and the PSNR of the smoothed image may fall by ten times as much.
    psnr : float, optional
        Make the smallest file of at least this PSNR in decibels; k, or 4,096, is the most entries.
    max_bytes : int, optional
        Make the file with the best PSNR in at most so many bytes; k as with `psnr`.
    quality : float, str or pair of float, optional
        Make the smallest file with at least this score of `ssimulacra2`: 90 looks the same, 70 is
        high quality, 50 medium. Of two, also as in "65-80", it aims at the second, and less than
        the first is an error. It chooses `space` and `dither`, too, unless given; k as with `psnr`.
    strict : bool
        Raise an error if `quality`, `psnr` or `max_bytes` cannot be reached, instead of making the
        best possible file with a `KmcWarning`.
    **options
        All other options of `quantize`.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If the image, an option or the metadata is wrong.
    KmcGoalError
        If a goal cannot be reached and `strict` is set.

    Warns
    -----
    KmcLossWarning
        If reducing or dropping bits, inks, colours or a profile changes how pixels look.
    """
    request = EncodeRequest.of(
        "encode",
        k,
        coding=coding,
        effort=effort,
        strip_rows=strip_rows,
        rdo=rdo,
        psnr=psnr,
        max_bytes=max_bytes,
        quality=quality,
        strict=strict,
        **options,
    )
    return _encoded(image, request, metadata)


def _encoded(image: ImageLike, request: EncodeRequest, metadata: Metadata | None) -> bytes:
    if request.goal is None:
        return request.assembly.encode(quantized(image, request.quantizing, metadata))
    outcome = optimize(image, request.quantizing, request.goal, request.assembly, metadata=metadata)
    return file_of(outcome.data, outcome.shortfall, request.goal)


def file_of(data: bytes, shortfall: str | None, goal: Goal | None) -> bytes:
    """Return the file made for a goal; raise or warn if it falls short of it.

    Parameters
    ----------
    data : bytes
    shortfall : str, optional
        How it falls short, in words.
    goal : Goal, optional
        Its `strict` makes a shortfall an error.

    Raises
    ------
    KmcGoalError
        If it falls short of a strict goal.
    """
    if shortfall and goal is not None and goal.strict:
        raise KmcGoalError(shortfall)
    if shortfall:
        warn(shortfall)
    return data
