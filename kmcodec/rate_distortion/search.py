"""Search for the price of a bit at which a measure of a trial meets its limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kmcodec.model.exact import exponential, logarithm
from kmcodec.rate_distortion.source import SAVING, Base, Source, Trial

__all__ = ["Measure", "PriceSearch"]

# Factors between the guess and the two prices of a round: smaller each round.
_SPREADS = (1.6, 1.06, 1.03, 1.015)
# The factor while the limit is not yet between two prices; if the slope is known, it is at most
# this, and the guess may be wrong by so much of the way to it.
_WIDE = 1.25
_WRONG = 0.5
# The price changes in one round by at most a factor of e**this.
_LEAP = 2.0
# A trial whose value is within this of the limit may become the next base.
_NEAR = 2.0
# Prices are far apart if they differ by more than this factor.
_FAR = 3
# Prices within this factor count as equal: the measure may jump between them.
_SAME = 1.005
# The share of the cost that is worth another round.
_WORTH = 0.001
# The highest price: one bit would be worth more than the error of black against white.
_MOST = 1 << 30


@dataclass(frozen=True)
class Measure:
    """The value that has to meet a limit, and the cost to minimise within it.

    Parameters
    ----------
    value : callable
        Returns a value that grows with the price, about as its logarithm.
    cost : callable
        Returns the cost; the least is best.
    above : bool
        Whether values must be at the limit or above; otherwise at the limit or below.
    """

    value: Callable[[Trial], float]
    cost: Callable[[Trial], float]
    above: bool


@dataclass(frozen=True)
class _Point:
    price: int
    value: float
    cost: float
    trial: Trial


class PriceSearch:
    """Run trials at one price after the other, two at a time.

    Parameters
    ----------
    source : Source
    start : Base
    guess : float
        First guess of the price: squared error for a bit.
    measure : Measure
    moves : int
        Number of first rounds after which the trial nearest to the limit becomes the base.
    saving : int
        See `Source.rebased`.
    slope : float, optional
        About the growth of the value for a price higher by a factor of e. With it the guess counts
        as a good one, so that the first prices are near it.
    most_off : float
        While the best trial is farther from the limit, the search goes on whatever it may save.
    advance : callable
        Called after each round.

    Attributes
    ----------
    price : float
        The guess; after `approach` the one that is likely to meet the limit, and after `reach` that
        of the best trial.

    Notes
    -----
    All arithmetic is exact to the last bit, so prices are the same on every platform.
    """

    def __init__(
        self,
        source: Source,
        start: Base,
        guess: float,
        measure: Measure,
        *,
        moves: int,
        saving: int = SAVING,
        slope: float | None = None,
        most_off: float = math.inf,
        advance: Callable[[], None],
    ) -> None:
        self._source = source
        self._start = self._base = start
        self._guess = max(1.0, 256 * guess)
        self.price = guess
        self._measure = measure
        self._moves = moves
        self._saving = saving
        self._most_off = most_off
        self._advance = advance
        self._slope = slope
        self._spreads = _SPREADS if slope is None else _SPREADS[1:]
        self._round = 0
        self._points: list[_Point] = []
        self._past: list[_Point] = []

    def reach(self, limit: float, slack: float, rounds: int) -> Trial | None:
        """Return the best trial within a limit, or None if no trial is.

        Further calls with another limit reuse earlier trials.

        Parameters
        ----------
        limit : float
            Limit of the measure's values.
        slack : float
            Distance from the limit that is near enough.
        rounds : int
            Maximum number of rounds of two trials.
        """
        for _ in range(rounds):
            guess = self._estimate(limit)
            prices = sorted({self._price(guess, x) for x in self._spread(limit, guess)})
            prices = [price for price in prices if all(price != p.price for p in self._points)]
            if not prices:
                break
            self._try(prices)
            kept = self._kept(limit)
            # Each move makes trials better, so make all moves before accepting one. But never
            # move to a trial far from the limit, such as a blank image: it does not recover.
            near = any(abs(point.value - limit) <= _NEAR for point in kept)
            moves = self._round <= self._moves and near
            if not moves and any(abs(point.value - limit) <= slack for point in kept):
                break
            low, high = self._bracket(limit)
            if low and high and high.price <= max(low.price + 1, _SAME * low.price):
                break
            if moves:
                self._move(limit, kept)
            elif not self._is_worth_more(limit, kept):
                break
        kept = self._kept(limit)
        if not kept:
            return None
        best = min(kept, key=lambda p: p.cost)
        self.price = best.price / 256
        return best.trial

    def approach(self, limit: float, rounds: int) -> Trial:
        """Return the last of some trials, each from the one before if that is near the limit.

        Parameters
        ----------
        limit : float
            Limit of the measure's values.
        rounds : int
            Number of trials, at least 1.
        """
        for _ in range(rounds):
            (trial,) = self._try([self._price(256 * self.price, 1)])
            self.price = self._estimate(limit) / 256
            if abs(self._points[-1].value - limit) <= _NEAR:
                self._move(limit, self._points)
        return trial

    def _try(self, prices: list[int]) -> list[Trial]:
        """Choose from the base at some prices, and measure the choices."""
        trials = self._source.choose(self._base, prices)
        self._points += [
            _Point(price, self._measure.value(trial), self._measure.cost(trial), trial)
            for price, trial in zip(prices, trials, strict=True)
        ]
        self._round += 1
        self._advance()
        return trials

    def _kept(self, limit: float) -> list[_Point]:
        """Return the points within the limit."""
        sign = -1 if self._measure.above else 1
        return [p for p in self._past + self._points if sign * p.value <= sign * limit]

    def _is_worth_more(self, limit: float, kept: list[_Point]) -> bool:
        """Return True if a trial exactly at the limit is likely to save enough of the cost."""
        beyond = [p for p in self._past + self._points if all(p is not other for other in kept)]
        if not kept or not beyond:
            return True
        # Between the best point within the limit and the next one beyond it.
        best = min(kept, key=lambda point: point.cost)
        if abs(best.value - limit) > self._most_off:
            return True
        near = min(beyond, key=lambda point: abs(point.value - limit))
        share = (limit - best.value) / (near.value - best.value)
        return share * (best.cost - near.cost) >= _WORTH * best.cost

    def _move(self, limit: float, points: list[_Point]) -> None:
        """Make the trial nearest to the limit the next base."""
        nearest = min(points, key=lambda point: abs(point.value - limit))
        self._base = self._source.rebased(self._start, nearest.trial, self._saving)
        self._guess = self._estimate(limit)
        self._past += self._points
        self._points = []

    def _bracket(self, limit: float) -> tuple[_Point | None, _Point | None]:
        """Return the points whose prices enclose the limit."""
        high = min(
            (p for p in self._points if p.value > limit), key=lambda p: p.price, default=None
        )
        low = max(
            (p for p in self._points if p.value <= limit and (not high or p.price < high.price)),
            key=lambda p: p.price,
            default=None,
        )
        return low, high

    def _spread(self, limit: float, guess: float) -> tuple[float, float]:
        spread = self._spreads[min(self._round, len(self._spreads) - 1)]
        if self._points and None in self._bracket(limit):
            way = min(abs(logarithm(guess / point.price)) for point in self._points)
            wide = exponential(_WRONG * way) if self._slope else _WIDE
            spread = max(spread, min(wide, _WIDE))
        return 1 / spread, spread

    def _price(self, guess: float, factor: float) -> int:
        return int(min(max(guess * factor, 1), _MOST))

    def _estimate(self, limit: float) -> float:
        """Return the price that is likely to meet the limit."""
        if not self._points:
            return self._guess
        low, high = self._bracket(limit)
        if low and high:
            share = (limit - low.value) / (high.value - low.value)
            # Values of far prices hardly help, except to show a jump between them.
            least = 0.35 if high.price > _FAR * low.price else 0.05
            step = logarithm(high.price / low.price) * min(max(share, least), 1 - least)
            return low.price * exponential(step)
        order = sorted(self._points, key=lambda point: point.price)
        near, far = (order[-1], order[-2:][0]) if low else (order[0], order[:2][-1])
        step = _LEAP if low else -_LEAP
        slope = self._slope or 0.0
        if near.value != far.value:
            slope = (near.value - far.value) / logarithm(near.price / far.price)
        if slope > 0:
            step = min(max((limit - near.value) / slope, -_LEAP), _LEAP)
        # Take a least step, even if very close.
        step = max(step, 0.02) if low else min(step, -0.02)
        return near.price * exponential(step)
