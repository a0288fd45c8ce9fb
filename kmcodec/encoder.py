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
    strict: bool = False,
    **options: Unpack[QuantizeOptions],
) -> bytes:
    """Encode an image as a `.kmc` file.

    Parameters
    ----------
    image, k
        See `quantize`.
    coding : {'context', 'deflate', 'packed'}
        How the indices are coded.
    effort : {'auto', 'fastest', 'fast', 'default', 'max'}
        Time to spend on a smaller file, in encoding and in decoding. `auto` selects the strongest
        effort for which the compiled decoder takes about half a second on one core; the decoder
        for browsers takes two to seven times that.
    strip_rows : int, optional
        Rows in each independently coded strip, up to 65,535; 0 codes the image as one. If not
        given, images of more than 4 megapixels may get strips of 2 to 16 megapixels, the smaller
        the busier the image, coded in threads.
    metadata : Metadata, optional
        What to write instead of the image's own metadata; ``Metadata()`` for none.
    rdo : float, optional
        Choose indices by their coding cost: make the smallest file whose PSNR is at most so many
        decibels below that of the nearest entries. At 0.1, soft regions of few colours lose their
        grain and get plainer borders.
    psnr : float, optional
        Make the smallest file of at least this PSNR in decibels, with as many entries as needed,
        at most k (4,096 if not given).
    max_bytes : int, optional
        Make the file with the best PSNR in at most so many bytes; k as with `psnr`.
    strict : bool
        Raise an error if `psnr` or `max_bytes` cannot be reached, instead of making the best
        possible file with a `KmcWarning`.
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
        strict=strict,
        **options,
    )
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
