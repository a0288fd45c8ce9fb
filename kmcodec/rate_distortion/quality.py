"""Meet a quality as people see it: the smallest file with at least a score of SSIMULACRA2.

Ways to choose indices compete, as none is best for all images: photos take the fewest bytes where
the choice carries errors on, graphics where it does not. A quick coder finds the way, the number of
entries and about the price; the coder of the file has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import IndexedImage
from kmcodec.perception import FramesReference
from kmcodec.quantization import Placing, QuantizeRequest
from kmcodec.rate_distortion.goals import Maker, Outcome, smallest
from kmcodec.rate_distortion.rough import Near, RoughSearch, Way, usual_fall
from kmcodec.rate_distortion.search import Measure, PriceSearch
from kmcodec.rate_distortion.source import Base, Source

__all__ = ["Way", "smallest_at_quality", "ways_of"]

# The ways: space, and share of the errors that is carried. On parts of three photos shares from 0.5
# to 0.8 take within 5 % of the fewest bytes.
_WAYS = (("oklab", 0.65), ("oklab", 0.0), ("srgb", 0.0))
# Settings whose files are likely larger than the smallest by less than this factor compete, so many
# at most.
_CLOSE = 1.05
_FINALISTS = 2
# Of an image of more pixels only one competes: its size jumps less, and each trial takes long.
_SMALL = 1 << 17
# Up to so many entries, one more makes a difference.
_FEW = 9
# Choices by the quick coder, each from the one before, that the choice by the coder of the file
# starts from. More gain nothing; without them photos take 1 to 6 % more.
_APPROACH = 3
# Rounds of that choice, and number of first rounds after which its base moves.
_ROUNDS = 4
_MOVES = 1
# A difference in score that makes no trial a far one (see `PriceSearch`), the sufficient precision
# of the score, and how far the smallest file may be above it before the search goes on anyway.
_FAR = 30.0
_PRECISION = 0.2
_MOST_OFF = 0.4
# Numbers of entries to try, each a quarter more than the last, if no price reaches the score.
_TRIES = 4


def ways_of(request: QuantizeRequest) -> list[QuantizeRequest]:
    """Return the ways to try for a request.

    The request's own dither and Oklab are kept.
    """
    given = request.placing
    ways: dict[Placing, QuantizeRequest] = {}
    for space, share in _WAYS:
        if given.dithers:
            placing = replace(given, space=space)
        elif share:
            placing = Placing(space=space, dither="floyd-steinberg", dither_amount=share)
        else:
            placing = Placing(space=space)
        if given.space in ("srgb", space):
            search = replace(request.search, space=space)
            ways[placing] = replace(request, search=search, placing=placing)
    return list(ways.values())


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
    rough = RoughSearch(scorer, wanted)
    finalists = _finalists(rough, rough.run(ways))
    found = [_reached(near, scorer, wanted) for near in finalists]
    found += [_scored(image, way.maker, scorer) for way, image in rough.nearest]
    if all(score < wanted for score, _ in found):
        # What seemed smallest cannot reach it; what came nearest may.
        nearest = max(rough.found, key=lambda near: near.excess)
        found.append(_reached(nearest, scorer, wanted))
    enough = [outcome for score, outcome in found if score >= wanted]
    if enough:
        return min(enough, key=lambda outcome: len(outcome.data))
    score, best = max(found, key=lambda pair: pair[0])
    if score >= least:
        return best
    most = ways[0].maker.most
    words = f"quality {least:g} cannot be reached with {most:,} colours, {score:.1f} can"
    return replace(best, shortfall=words)


def _finalists(rough: RoughSearch, found: list[Near]) -> list[Near]:
    """Return the settings that may win, those of a way with quite different numbers of entries."""
    finalists: list[Near] = []
    for near in found:
        k = len(near.image.palette)
        apart = k // 5 if k > _FEW else 1
        alike = [
            other
            for other in finalists
            if other.way is near.way and abs(len(other.image.palette) - k) < apart
        ]
        if not alike and rough.size_of(near) <= _CLOSE * rough.size_of(found[0]):
            finalists.append(near)
    return finalists[: _FINALISTS if found[0].image.indices.size <= _SMALL else 1]


def _scored(image: IndexedImage, maker: Maker, scorer: FramesReference) -> tuple[float, Outcome]:
    """Return the file of an image, and its score."""
    return scorer.score(image.to_array()), smallest([image], maker)


def _reached(near: Near, scorer: FramesReference, wanted: float) -> tuple[float, Outcome]:
    """Return the smallest file of a setting that reaches the score, or its best one; its score."""
    way, image, price = near.way, near.image, near.price
    for _ in range(_TRIES):
        first = way.quick.base(image)
        quick = _search(way.quick, first, price, way.maker, scorer, wanted)
        base = way.source.rebased(first, quick.approach(-wanted / _FAR, _APPROACH))
        search = _search(way.source, base, quick.price, way.maker, scorer, wanted)
        found = search.reach(-wanted / _FAR, slack=_PRECISION / _FAR, rounds=_ROUNDS)
        if found is not None:
            return _scored(way.source.tidied(found.image), way.maker, scorer)
        # Too few entries, whatever the price.
        more = way.maker.quantized(min(way.maker.most, len(image.palette) * 5 // 4 + 1))
        if len(more.palette) <= len(image.palette):
            break
        image = more
    if way.source.carries_errors:
        (plain,) = way.source.choose(way.source.base(image), [1])
        image = way.source.tidied(plain.image)
    return _scored(image, way.maker, scorer)


def _search(
    source: Source,
    base: Base,
    price: float,
    maker: Maker,
    scorer: FramesReference,
    wanted: float,
) -> PriceSearch:
    """Return the search for a price that reaches a score, divided by -`_FAR`."""
    return PriceSearch(
        source,
        base,
        price,
        Measure(
            value=lambda trial: -scorer.score(trial.image.to_array()) / _FAR,
            cost=lambda trial: trial.size + source.overhead(trial.image),
            above=False,
        ),
        moves=_MOVES,
        slope=usual_fall(wanted) / _FAR,
        most_off=_MOST_OFF / _FAR,
        advance=maker.advance,
    )
