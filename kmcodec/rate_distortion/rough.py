"""Find roughly, with a quick coder, the settings that take the fewest bytes for a quality.

A setting is a way to choose indices and a price of a bit. Each needs its own number of entries to
reach the quality, and no price is best for all images and qualities: at low ones a high price and
more entries take a quarter fewer bytes than the other way round, at high ones a few percent more.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kmcodec.model.exact import exponential, logarithm
from kmcodec.model.image import IndexedImage
from kmcodec.perception import FramesReference
from kmcodec.rate_distortion.goals import Maker, with_entries
from kmcodec.rate_distortion.source import Source

__all__ = ["Near", "RoughSearch", "Way", "usual_fall"]

# Usual prices of a bit by score, as shares of the mean squared distance of the pixels from their
# nearest entries. On parts of four photos and four drawings the best ones are within a factor of 2
# or 3.
_PRICES = ((40.0, 4.0), (70.0, 2.6), (85.0, 0.7), (95.0, 0.25))
# Factor between two prices to try, and how much a higher price may save before it is no search.
_STEP = 1.8
_MOST_STEPS = 3
# No further price is tried after so many trials.
_MOST_TRIALS = 14
# Significant bits of the numbers of entries.
_BITS = 4
# By the power of a factor in price that the number of entries grows.
_MORE_ENTRIES = 0.5
# Number of entries to try first up to a score of 50; for each so many points more, by a factor of e
# more. Then the points for twice as many entries up to a score of 70, falling by a third of what is
# beyond, and the sufficient precision of a search for the number.
_ENTRIES = 64
_POINTS = 35.0
_DOUBLING = 15.0
_NEAR = 2.0
# Points that a price costs when it grows by a factor of e, as a share of those missing to 100.
_FALL = 0.33
# Points for a file larger by a factor of e, to compare files of different scores: a first guess,
# and the range of measured ones.
_GROWTH = 40.0
_LEAST_GROWTH, _MOST_GROWTH = 12.0, 120.0
# Points up to which that holds.
_INSIDE = 4.0
# Scores farther than this from the wanted one say nothing about the growth there.
_FAR = 12.0
# A score that misses the wanted one by more is as bad as one that misses it by so much.
_WORST = 100.0
# A way is searched for a better price if its file is likely larger than the smallest by less than
# this factor.
_CLOSE = 1.08
# A way whose file is likely larger by this factor ends the search for ways.
_HOPELESS = 1.15
# Nor can one that scores lower by so much than a way with errors carried on at the same price and
# number of entries, unless this takes more bytes by this factor: graphics score higher.
_GAIN = 1.0
_DEAR = 1.15
# Up to so many entries the score jumps from one number to the next, and estimates fail. So the
# nearest entries, as few as reach the score, compete in each way, and choices from them at the
# price that `--psnr` starts from.
_FEW = 32
_FEW_PRICE = 0.8
# Graphics rarely need more entries than this.
_MANY = 128
# The first guess of a price is at most a factor of e to this power from the usual one.
_LEAP = 2.5


@dataclass(frozen=True)
class Way:
    """A way to choose indices.

    Parameters
    ----------
    source, quick : Source
        With the coder of the file, and with a quick one.
    maker : Maker
        Its images have the nearest entries, unless errors are spread beforehand.
    """

    source: Source
    quick: Source
    maker: Maker


@dataclass(frozen=True)
class Near:
    """An image from which a choice is near the wanted score.

    Parameters
    ----------
    way : Way
    share : float
        The price of a bit, as a share of the mean squared distance from the nearest entries.
    image : IndexedImage
        With the nearest entries, or dithered.
    excess : float
        By how much the choice of the quick coder exceeds the wanted score.
    size : int
        Bytes of a file of this choice.
    price : float
        At which a choice is likely to reach the score.
    """

    way: Way
    share: float
    image: IndexedImage
    excess: float
    size: int
    price: float


class RoughSearch:
    """Search for the settings that take the fewest bytes for a score.

    Parameters
    ----------
    scorer : FramesReference
    wanted : float

    Attributes
    ----------
    found : list of Near
        All that was tried.
    nearest : list of (Way, IndexedImage)
        Images with the nearest of few entries that reach the score.
    """

    def __init__(self, scorer: FramesReference, wanted: float) -> None:
        self.scorer = scorer
        self.wanted = wanted
        self.found: list[Near] = []
        self.nearest: list[tuple[Way, IndexedImage]] = []
        self._growth = _GROWTH
        self._doubling = _DOUBLING - max(0.0, wanted - 70) / 3
        self._trials = 0
        self._tried_before: dict[tuple[Way, float, int], Near] = {}

    def run(self, ways: Sequence[Way]) -> list[Near]:
        """Return what takes the fewest bytes, best first."""
        share = _usual_price(self.wanted)
        entries = round(_ENTRIES * exponential(max(0.0, self.wanted - 50) / _POINTS))
        for way in ways:
            # What a way without errors carried on loses by much, none wins by its colour space.
            if self.found and self._is_hopeless(self._tried(way, share, _quantized(way, entries))):
                break
            first = self._near(way, share, entries)
            if self._is_hopeless(first):
                break
            if self.size_of(first) <= _CLOSE * self._least_size():
                best = self._climbed(first)
                share, entries = best.share, len(best.image.palette)
        self._try_few([way for way in ways if not way.source.carries_errors])
        return sorted(self.found, key=self.size_of)

    def _least_size(self) -> float:
        return min(map(self.size_of, self.found))

    def _is_hopeless(self, near: Near) -> bool:
        """Return True if a choice loses by so much that its way cannot win."""
        entries, miss = len(near.image.palette), abs(near.excess)
        if self._is_beaten(near):
            return True
        if entries <= _FEW or miss >= 2 * _INSIDE:
            return False
        # For a graphic the estimate is worse.
        most = _HOPELESS if entries > _MANY else _HOPELESS * _HOPELESS
        return self.size_of(near) > most * self._least_size()

    def _is_beaten(self, near: Near) -> bool:
        """Return True for a photo: at the same setting it gains by errors carried on."""
        return not near.way.source.carries_errors and any(
            other.way.source.carries_errors
            and (other.share, len(other.image.palette)) == (near.share, len(near.image.palette))
            and other.excess > near.excess + _GAIN
            and other.size < _DEAR * near.size
            for other in self.found
        )

    def _try_few(self, ways: Sequence[Way]) -> None:
        """Add the nearest entries, as few as reach the score, and choices from them."""
        entries = len(min(self.found, key=self.size_of).image.palette)
        if entries > _FEW:
            return

        def excess(image: IndexedImage) -> float:
            return self.scorer.score(image.to_array()) - self.wanted

        for way in ways:
            image = with_entries(
                way.maker, excess, doubling=self._doubling, near=0, least=0, first=entries
            )[0]
            if excess(image) >= 0:
                self.nearest.append((way, image))
                self.found.append(self._tried(way, _FEW_PRICE, image))

    def _climbed(self, best: Near) -> Near:
        """Return the best of neighbouring prices."""
        for factor in (_STEP, 1 / _STEP):
            moved = False
            for _ in range(_MOST_STEPS):
                times = exponential(_MORE_ENTRIES * logarithm(factor))
                entries = round(times * len(best.image.palette))
                if self._trials >= _MOST_TRIALS:
                    return best
                if not self._may_beat(best, best.share * factor, entries):
                    break
                other = self._near(best.way, best.share * factor, entries)
                if self.size_of(other) >= self.size_of(best):
                    break
                best, moved = other, True
            if moved:
                break
        return best

    def _may_beat(self, best: Near, share: float, entries: int) -> bool:
        """Return False if another price is likely to take more bytes, whatever the entries."""
        first = self._tried(best.way, share, _quantized(best.way, entries))
        return first.size * exponential(-first.excess / self._growth) < self.size_of(best)

    def _near(self, way: Way, share: float, first: int) -> Near:
        """Search for the number of entries with which a choice is near the score."""
        tried: list[Near] = []

        def excess(image: IndexedImage) -> float:
            tried.append(self._tried(way, share, image))
            return tried[-1].excess

        with_entries(
            replace(way.maker, quantized=functools.partial(_quantized, way)),
            excess,
            doubling=self._doubling,
            near=_NEAR,
            least=-_NEAR,
            first=first,
            measures=True,
        )
        self._measure_growth(tried)
        self.found += tried
        close = [near for near in tried if abs(near.excess) <= _INSIDE]
        return min(close or tried, key=self.size_of)

    def _tried(self, way: Way, share: float, image: IndexedImage) -> Near:
        """Choose indices for an image at a price, or remember the choice."""
        setting = way, share, len(image.palette)
        if setting not in self._tried_before:
            self._trials += 1
            self._tried_before[setting] = self._chosen(way, share, image)
        return self._tried_before[setting]

    def _chosen(self, way: Way, share: float, image: IndexedImage) -> Near:
        base = way.quick.base(image)
        price = share * way.quick.error_scale(base.image)
        (trial,) = way.quick.choose(base, [max(1, int(256 * price))])
        more = self.scorer.score(trial.image.to_array()) - self.wanted
        return Near(
            way,
            share,
            image,
            more,
            trial.size + way.quick.overhead(trial.image),
            max(1.0, price) * exponential(min(max(more / usual_fall(self.wanted), -_LEAP), _LEAP)),
        )

    def size_of(self, near: Near) -> float:
        """Return the likely bytes of a choice that reaches the score."""
        inside = min(max(near.excess, -_INSIDE), _INSIDE)
        # Neither a price nor more entries make up for much at the usual rate, and what is far too
        # good may be far too large.
        short = min(max(-near.excess - _INSIDE, 0), _WORST)
        return near.size * exponential(short / _LEAST_GROWTH - inside / self._growth)

    def _measure_growth(self, tried: list[Near]) -> None:
        """Measure how the score grows with the file, near the wanted one."""
        close = sorted(tried, key=lambda near: abs(near.excess))[:2]
        if len(close) < 2 or abs(close[1].excess) > _FAR:
            return
        one, other = close
        if one.size != other.size:
            growth = (one.excess - other.excess) / logarithm(one.size / other.size)
            self._growth = min(max(growth, _LEAST_GROWTH), _MOST_GROWTH)


def usual_fall(score: float) -> float:
    """Return the points that a price usually costs near a score when it grows by a factor of e."""
    return max(1.0, _FALL * (100 - score))


def _quantized(way: Way, k: int) -> IndexedImage:
    """Return an image with about `k` entries: a few numbers only, so that ways share the images."""
    step = 1 << max(0, k.bit_length() - _BITS)
    k = (k + step // 2) // step * step
    return way.maker.quantized(max(way.maker.least, min(way.maker.most, k)))


def _usual_price(score: float) -> float:
    """Return the usual price at a score."""
    if score <= _PRICES[0][0]:
        return _PRICES[0][1]
    for (low, before), (high, after) in itertools.pairwise(_PRICES):
        if score <= high:
            share = (score - low) / (high - low)
            return before * exponential(share * logarithm(after / before))
    return _PRICES[-1][1]
