"""What an image is made for: a tolerance, a quality, or a size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kmcodec.image import IndexedImage
from kmcodec.rate_distortion.search import search_price
from kmcodec.rate_distortion.source import Source

__all__ = [
    "Maker",
    "Outcome",
    "best_within_bytes",
    "smallest_at_psnr",
    "smallest_within_tolerance",
]

# Decibels that the nearest entries are to be better than a quality that is asked for: where a
# choice among so many takes the fewest bytes. The minimum is flat: from 1.3 to 2.4 within 1 %.
_HEADROOM = 1.8
# The price at which a choice takes it: so much of the mean squared distance, for a bit.
_PRICE = 0.8
# How near to a quality is near enough, in decibels.
_NEAR = 0.03
# Rounds of a search for a number of entries, and how far from what it looks for it may end.
_STEPS = 5
_NEAR_HEADROOM = 0.4
_NEAR_SIZE = 0.06
# Decibels that twice as many entries gain, before it is known, and by how much larger a file gets.
_DOUBLING = 2.5
_GROWTH = 1.5
# No image is better than this, but for one without error.
_LOSSLESS = 99.0


@dataclass(frozen=True)
class Outcome:
    """An image, and in words what it falls short of; None if of nothing."""

    image: IndexedImage
    shortfall: str | None = None


@dataclass(frozen=True)
class Maker:
    """How images are made on the way.

    Parameters
    ----------
    quantized : callable
        The image with a palette of at most so many entries, nearest or dithered.
    most : int
        The most entries it may have.
    size_of : callable
        Bytes of the file of an image.
    advance : callable
        Called after each step of the work.
    """

    quantized: Callable[[int], IndexedImage]
    most: int
    size_of: Callable[[IndexedImage], int]
    advance: Callable[[], None]


def smallest_within_tolerance(
    source: Source, image: IndexedImage, decibels: float, advance: Callable[[], None]
) -> IndexedImage:
    """The smallest image whose PSNR is at most so much below that of an image.

    Parameters
    ----------
    source : Source
    image : IndexedImage
        With the nearest entries, or dithered.
    decibels : float
        More than 0.
    advance : callable
        See `Maker`.
    """
    start = source.nearest(image)
    room = source.error_of(image) * (10 ** (decibels / 10) - 1)
    price = source.error_scale(image) * 0.15 * math.sqrt(10 * decibels)
    if not room or price == 0:
        return image
    found = search_price(
        source,
        start,
        price,
        lambda trial: trial.error,
        start.error + room,
        above=False,
        slack=0.05 * room,
        rounds=4,
        moves=0,
        advance=advance,
    )
    return image if found is None else found.image


def smallest_at_psnr(source: Source, maker: Maker, decibels: float) -> Outcome:
    """The smallest image of at least so high a PSNR.

    Parameters
    ----------
    source : Source
    maker : Maker
    decibels : float
    """

    def better(image: IndexedImage) -> float:
        return source.psnr_of(image) - decibels - _HEADROOM

    tried = _with_entries(
        maker, better, doubling=_DOUBLING, near=_NEAR_HEADROOM, least=_NEAR - _HEADROOM
    )
    image = tried[0]
    reached = source.psnr_of(image)
    if reached < decibels:
        return Outcome(
            image,
            f"{decibels:g} dB cannot be reached with {maker.most:,} colours, {reached:.2f} dB can",
        )
    limit = source.error_at(decibels)
    found = search_price(
        source,
        source.nearest(image),
        max(1.0, source.error_scale(image)) * _PRICE,
        lambda trial: source.error_of(trial.image),
        limit,
        above=False,
        slack=limit * (1 - 10 ** (-_NEAR / 10)),
        advance=maker.advance,
    )
    # Where an image is simple, the nearest of fewer entries may take less than any choice.
    enough = [image for image in tried if source.psnr_of(image) >= decibels]
    made = [min(enough, key=lambda image: len(image.palette))]
    if found is not None:
        made.insert(0, source.tidied(found.image))
    return Outcome(min(made, key=maker.size_of))


def best_within_bytes(source: Source, maker: Maker, most_bytes: int) -> Outcome:
    """The best image of a file of at most so many bytes.

    Parameters
    ----------
    source : Source
    maker : Maker
    most_bytes : int
    """

    def smaller(image: IndexedImage) -> float:
        # In doublings: how much larger than it may be the file is that such a choice makes.
        size = maker.size_of(_at_headroom(source, image))
        return math.log2(size / most_bytes)

    found = _with_entries(maker, smaller, doubling=1 / _GROWTH, near=_NEAR_SIZE, least=-math.inf)
    image = found[0]
    if len(image.palette) == maker.most and maker.size_of(image) <= most_bytes:
        return Outcome(image)
    while len(image.palette) > 1:
        fitting = _within_bytes(source, maker, image, most_bytes)
        if fitting is not None:
            return Outcome(fitting)
        image = maker.quantized(len(image.palette) // 2)
    size = maker.size_of(image)
    if size <= most_bytes:
        return Outcome(image)
    return Outcome(image, f"{most_bytes:,} bytes cannot be reached, {size:,} with one colour can")


def _within_bytes(
    source: Source, maker: Maker, image: IndexedImage, most_bytes: int
) -> IndexedImage | None:
    """The best choice for an image that keeps within so many bytes, if there is one."""
    (start,) = source.choose(image, [1])
    price = max(1.0, source.error_scale(image)) * _PRICE
    # Beside the coded indices.
    rest = maker.size_of(image) - start.size
    best: IndexedImage | None = None
    for _ in range(3):
        found = search_price(
            source,
            start,
            price,
            lambda trial: -trial.size,
            rest - most_bytes,
            above=True,
            slack=0.003 * most_bytes,
            advance=maker.advance,
        )
        if found is None:
            break
        chosen = source.tidied(found.image)
        excess = maker.size_of(chosen) - most_bytes
        if excess <= 0:
            best = chosen
            if excess >= -0.01 * most_bytes:
                break
        # What a trial took was not what its file takes, with entries moved and reordered, or
        # with an image that has become simple enough for a stronger profile.
        rest += excess + most_bytes // 500
    return best


def _at_headroom(source: Source, image: IndexedImage) -> IndexedImage:
    """What a choice makes of an image that takes about the headroom in quality."""
    price = max(1, int(256 * _PRICE * source.error_scale(image)))
    (trial,) = source.choose(image, [price])
    return source.tidied(trial.image)


def _with_entries(
    maker: Maker,
    excess: Callable[[IndexedImage], float],
    *,
    doubling: float,
    near: float,
    least: float,
) -> list[IndexedImage]:
    """Images with about so many entries that something which grows with them is 0, best first.

    Parameters
    ----------
    maker : Maker
    excess : callable
    doubling : float
        By how much it grows, roughly, where entries double in number.
    near : float
        What is as good as 0.
    least : float
        What is better not fallen below.
    """
    tried: dict[int, tuple[float, IndexedImage]] = {}
    k = min(maker.most, 64)
    for _ in range(_STEPS):
        image = maker.quantized(k)
        tried[k] = (min(_LOSSLESS, excess(image)), image)
        maker.advance()
        if abs(tried[k][0]) <= near:
            break
        k = _next_entries({k: value for k, (value, _) in tried.items()}, doubling, maker.most)
        if k in tried:
            break
    order = sorted(tried.values(), key=lambda pair: (pair[0] < least, abs(pair[0])))
    return [image for _, image in order]


def _next_entries(tried: dict[int, float], doubling: float, most: int) -> int:
    """Where to look next for 0: between numbers of different sign, or farther on."""
    below = [k for k, value in tried.items() if value < 0]
    above = [k for k, value in tried.items() if value >= 0]
    if not below:
        k = min(above)
        return max(1, round(k * 2 ** -min(3.0, tried[k] / doubling)))
    if not above:
        k = max(below)
        return min(most, round(k * 2 ** min(3.0, -tried[k] / doubling)))
    low, high = max(below), min(above)
    share = min(max(tried[low] / (tried[low] - tried[high]), 0.15), 0.85)
    return round(low * math.pow(high / low, share))
