"""Meet a quality as people see it: the smallest file with at least a score of SSIMULACRA2.

Ways to choose indices compete, as none is best for all images: photos take the fewest bytes where
the choice carries errors on, graphics where it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.exact import exponential
from kmcodec.model.image import IndexedImage
from kmcodec.perception import FramesReference
from kmcodec.quantization import Placing, QuantizeRequest
from kmcodec.rate_distortion.goals import Maker, Outcome, smallest, with_entries
from kmcodec.rate_distortion.search import Measure, PriceSearch
from kmcodec.rate_distortion.source import Source, Trial

__all__ = ["Way", "smallest_at_quality", "ways_of"]

# The ways: space, share of the errors that is carried, and price of a bit as a share of the mean
# squared distance of the pixels from their nearest entries. On parts of three photos shares from
# 0.5 to 0.8 and prices from 0.8 to 2.5 take within 5 % of the fewest bytes; on a page of text, one
# of 0.8 takes 8 % fewer than one of 0.25.
_WAYS = (("oklab", 0.65, 1.2), ("oklab", 0.0, 0.8), ("srgb", 0.0, 0.8))
# First guess of the points for twice as many entries, and the sufficient precision of a search for
# their number.
_DOUBLING = 12.0
_NEAR = 2.0
# Points that the price costs when it grows by a factor of e.
_FALL = 8.0
# Points for a file larger by a factor of e, to compare files of different scores.
_GROWTH = 15.0
# Ways whose files are likely larger than the smallest by less than this factor are searched, too.
_CLOSE = 1.06
# A way whose file is likely larger than that of the first by this factor ends the search for ways.
_HOPELESS = 1.12
# A difference in score that makes no trial a far one (see `PriceSearch`), and the precision of the
# score.
_FAR = 30.0
_PRECISION = 0.2
_ROUNDS = 6
_MOVES = 3
# Numbers of entries to try, each a quarter more than the last, if no price reaches the score.
_TRIES = 4
# The first guess of a price is at most a factor of e to this power from the usual one.
_LEAP = 2.5


@dataclass(frozen=True)
class Way:
    """A way to choose indices.

    Parameters
    ----------
    source : Source
    maker : Maker
    price : float
        Of a bit, as a share of the mean squared distance from the nearest entries.
    """

    source: Source
    maker: Maker
    price: float


def ways_of(request: QuantizeRequest) -> list[tuple[QuantizeRequest, float]]:
    """Return the ways to try for a request, as requests and prices of a bit.

    The request's own dither and Oklab are kept.
    """
    given = request.placing
    ways = []
    for space, share, price in _WAYS:
        if given.dithers:
            placing = replace(given, space=space)
        elif share:
            placing = Placing(space=space, dither="floyd-steinberg", dither_amount=share)
        else:
            placing = Placing(space=space)
        if given.space in ("srgb", space):
            search = replace(request.search, space=space)
            ways.append((replace(request, search=search, placing=placing), price))
    return ways


def smallest_at_quality(
    ways: Sequence[Way], pixels: NDArray[np.uint8], frames: int, least: float, wanted: float
) -> Outcome:
    """Return the smallest image with at least a given score.

    Parameters
    ----------
    ways : sequence of Way
    pixels : ndarray, shape (H, W, C), uint8
        Of the frames, side by side.
    frames : int
    least, wanted : float
        Scores to accept and to reach.
    """
    scorer = FramesReference(pixels, frames)
    first = 64
    found: list[_Near] = []
    for way in ways:
        found.append(_near(way, scorer, wanted, first))
        first = len(found[0].image.palette)
        # What a way without errors carried on loses by so much, none wins by its colour space.
        if found[0].size * _HOPELESS < found[-1].size:
            break
    found.sort(key=lambda near: near.size)
    close = [near for near in found if near.size <= _CLOSE * found[0].size]
    made = [_reached(near, scorer, wanted) for near in close]
    scored = [(scorer.score(outcome.image.to_array()), outcome) for outcome in made]
    enough = [outcome for score, outcome in scored if score >= wanted]
    if enough:
        return min(enough, key=lambda outcome: len(outcome.data))
    score, best = max(scored, key=lambda pair: pair[0])
    if score >= least:
        return best
    most = ways[0].maker.most
    words = f"quality {least:g} cannot be reached with {most:,} colours, {score:.1f} can"
    return replace(best, shortfall=words)


@dataclass(frozen=True)
class _Near:
    """An image whose choice is near the wanted score, and the likely size of one that reaches it.

    Parameters
    ----------
    way : Way
    image : IndexedImage
        With the nearest entries, or dithered.
    size : float
    price : float
        At which its choice is likely to reach the score.
    """

    way: Way
    image: IndexedImage
    size: float
    price: float


def _near(way: Way, scorer: FramesReference, wanted: float, first: int) -> _Near:
    """Search for the number of entries with which the choice of a way is near the score."""
    tried: dict[int, _Near] = {}

    def excess(image: IndexedImage) -> float:
        base = way.source.base(image)
        price = way.price * way.source.error_scale(base.image)
        (trial,) = way.source.choose(base, [max(1, int(256 * price))])
        more = scorer.score(trial.image.to_array()) - wanted
        size = trial.size + way.maker.overhead(trial.image)
        tried[len(image.palette)] = _Near(
            way,
            image,
            size * exponential(-more / _GROWTH),
            max(1.0, price) * exponential(min(max(more / _FALL, -_LEAP), _LEAP)),
        )
        return more

    images = with_entries(
        way.maker, excess, doubling=_DOUBLING, near=_NEAR, least=-_NEAR, first=first
    )
    return tried[len(images[0].palette)]


def _reached(near: _Near, scorer: FramesReference, wanted: float) -> Outcome:
    """Return the smallest file of a way that reaches the score, or its best one."""
    maker, image = near.way.maker, near.image
    for _ in range(_TRIES):
        found = _chosen(near.way, image, near.price, scorer, wanted)
        if found is not None:
            return smallest([near.way.source.tidied(found.image)], maker)
        # Too few entries, whatever the price.
        more = maker.quantized(min(maker.most, len(image.palette) * 5 // 4 + 1))
        if len(more.palette) <= len(image.palette):
            break
        image = more
    return smallest([image], maker)


def _chosen(
    way: Way, image: IndexedImage, price: float, scorer: FramesReference, wanted: float
) -> Trial | None:
    """Return the smallest choice of entries that reaches the score; the price is a guess."""

    def size_of(trial: Trial) -> float:
        return trial.size + way.maker.overhead(trial.image)

    search = PriceSearch(
        way.source,
        way.source.base(image),
        price,
        Measure(
            value=lambda trial: -scorer.score(trial.image.to_array()) / _FAR,
            cost=size_of,
            above=False,
        ),
        moves=_MOVES,
        advance=way.maker.advance,
    )
    return search.reach(-wanted / _FAR, slack=_PRECISION / _FAR, rounds=_ROUNDS)
