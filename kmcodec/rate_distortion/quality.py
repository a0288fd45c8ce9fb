"""Meet a quality as people see it: the smallest file with at least a score of SSIMULACRA2.

Ways to choose indices compete, as none is best for all images: photos take the fewest bytes where
the choice carries errors on, graphics where it does not. A quick coder finds the way, the number of
entries and about the price; the coder of the file has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import IndexedImage
from kmcodec.perception import FramesReference
from kmcodec.quantization import Placing, QuantizeRequest
from kmcodec.rate_distortion.goals import Maker, Outcome, smallest
from kmcodec.rate_distortion.rough import Near, RoughSearch, Way
from kmcodec.rate_distortion.search import Measure, PriceSearch
from kmcodec.rate_distortion.source import Base, Source, Trial

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
# So many are chosen again by the coder of the file, the second if it is within this factor.
_MOST_AGAIN = 2
_CLOSE_AGAIN = 1.02
# A difference in score that makes no trial a far one (see `PriceSearch`), and the precision of the
# score.
_FAR = 30.0
_PRECISION = 0.2
_ROUNDS = 6
_MOVES = 3
# The same for the coder of the file, after the quick one.
_LAST_ROUNDS = 3
_LAST_MOVES = 1
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
    made = [_reached(near, scorer, wanted) for near in finalists]
    outcomes = [each.outcome for each in made]
    made = sorted((each for each in made if each.trial), key=lambda each: len(each.outcome.data))
    for reached in made[:_MOST_AGAIN]:
        if len(reached.outcome.data) <= _CLOSE_AGAIN * len(made[0].outcome.data):
            outcomes += _again(reached, scorer, wanted)
    if not made:
        # What seemed smallest cannot reach it; what came nearest may.
        nearest = max(rough.found, key=lambda near: near.excess)
        outcomes.append(_reached(nearest, scorer, wanted).outcome)
    outcomes += [smallest([image], way.maker) for way, image in rough.nearest]
    scored = [(scorer.score(outcome.image.to_array()), outcome) for outcome in outcomes]
    enough = [outcome for score, outcome in scored if score >= wanted]
    if enough:
        return min(enough, key=lambda outcome: len(outcome.data))
    score, best = max(scored, key=lambda pair: pair[0])
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


@dataclass(frozen=True)
class _Reached:
    """A file that reaches the score, or the best one of a way.

    Parameters
    ----------
    way : Way
    outcome : Outcome
    image : IndexedImage
        With the nearest entries, or dithered: what the choice is made from.
    trial : Trial, optional
        The choice by the quick coder; None if no choice reaches the score.
    price : float
        Of this choice.
    """

    way: Way
    outcome: Outcome
    image: IndexedImage
    trial: Trial | None
    price: float


def _reached(near: Near, scorer: FramesReference, wanted: float) -> _Reached:
    """Return the smallest file of a way by the quick coder's choice."""
    way, image = near.way, near.image
    for _ in range(_TRIES):
        search = _search(way.quick, way.quick.base(image), near.price, way.maker, scorer, _MOVES)
        found = search.reach(-wanted / _FAR, slack=_PRECISION / _FAR, rounds=_ROUNDS)
        if found is not None:
            outcome = smallest([way.quick.tidied(found.image)], way.maker)
            return _Reached(way, outcome, image, found, search.price)
        # Too few entries, whatever the price.
        more = way.maker.quantized(min(way.maker.most, len(image.palette) * 5 // 4 + 1))
        if len(more.palette) <= len(image.palette):
            break
        image = more
    if way.quick.carries_errors:
        (plain,) = way.quick.choose(way.quick.base(image), [1])
        image = way.quick.tidied(plain.image)
    return _Reached(way, smallest([image], way.maker), image, None, 0)


def _again(reached: _Reached, scorer: FramesReference, wanted: float) -> list[Outcome]:
    """Choose again with the coder of the file, from where the quick one ended."""
    way, trial = reached.way, reached.trial
    assert trial is not None
    source = way.source
    base = source.rebased(source.base(reached.image), trial)
    if base.method == way.quick.base(reached.image).method:
        return []
    search = _search(source, base, reached.price, way.maker, scorer, _LAST_MOVES, is_sure=True)
    found = search.reach(-wanted / _FAR, slack=_PRECISION / _FAR, rounds=_LAST_ROUNDS)
    return [] if found is None else [smallest([source.tidied(found.image)], way.maker)]


def _search(
    source: Source,
    base: Base,
    price: float,
    maker: Maker,
    scorer: FramesReference,
    moves: int,
    *,
    is_sure: bool = False,
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
        moves=moves,
        is_sure=is_sure,
        advance=maker.advance,
    )
