"""The price of a bit at which what is measured of a trial meets its limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kmcodec.rate_distortion.exact import exponential, logarithm
from kmcodec.rate_distortion.source import SAVING, Base, Source, Trial

__all__ = ["Measure", "PriceSearch"]

# How far apart the two prices of a round are from the guess between them: less and less.
_SPREADS = (1.6, 1.06, 1.03, 1.015)
# And where the limit is not yet between two prices.
_WIDE = 1.25
# Prices go up or down at once by no more than a factor of e**this.
_LEAP = 2.0
# From a trial whose value is within this of the limit, the next may begin.
_NEAR = 2.0
# Prices are far apart if they are by more than this factor.
_FAR = 3
# Prices that are as good as the same: what is measured may jump between them.
_SAME = 1.005
# The part of the cost that is worth another round, which takes as long as any other.
_WORTH = 0.001
# No price is higher: one bit would be worth the error of black against white, and more.
_MOST = 1 << 30


@dataclass(frozen=True)
class Measure:
    """What is to meet a limit, and what of the trials that keep to it is best.

    Parameters
    ----------
    value : callable
        Something that grows with the price, about as its logarithm.
    cost : callable
        Of which the least is best.
    above : bool
        Whether values are to be at the limit or above; else at the limit or below.
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
    """Trials at one price after the other, two at a time.

    Parameters
    ----------
    source : Source
    start : Base
    guess : float
        Of the price: squared error for a bit.
    measure : Measure
    moves : int
        After how many rounds the next begins from the trial that was nearest to the limit.
    saving : int
        See `Source.rebased`.
    advance : callable
        Called after each round.

    Notes
    -----
    Only arithmetic that is exact to the last bit everywhere: the same prices on every platform.
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
        advance: Callable[[], None],
    ) -> None:
        self._source = source
        self._start = self._base = start
        self._guess = max(1.0, 256 * guess)
        self._measure = measure
        self._moves = moves
        self._saving = saving
        self._advance = advance
        self._round = 0
        self._points: list[_Point] = []
        self._past: list[_Point] = []

    def reach(self, limit: float, slack: float, rounds: int) -> Trial | None:
        """The best trial that keeps to a limit, or None if there was none.

        May be called again with another limit; what is known by then is made use of.

        Parameters
        ----------
        limit : float
            Of the measure's values.
        slack : float
            How far from the limit is near enough.
        rounds : int
            The most rounds of two trials.
        """
        for _ in range(rounds):
            guess = self._estimate(limit)
            prices = sorted({self._price(guess, x) for x in self._spread(limit)})
            prices = [price for price in prices if all(price != p.price for p in self._points)]
            if not prices:
                break
            trials = self._source.choose(self._base, prices)
            self._points += [
                _Point(price, self._measure.value(trial), self._measure.cost(trial), trial)
                for price, trial in zip(prices, trials, strict=True)
            ]
            self._round += 1
            self._advance()
            kept = self._kept(limit)
            # Each makes trials better, so all of them come before one is good enough. But from
            # far off, such as a blank image, there is no way back.
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
        return min(kept, key=lambda p: p.cost).trial if kept else None

    def _kept(self, limit: float) -> list[_Point]:
        """The points that keep to the limit."""
        sign = -1 if self._measure.above else 1
        return [p for p in self._past + self._points if sign * p.value <= sign * limit]

    def _is_worth_more(self, limit: float, kept: list[_Point]) -> bool:
        """Whether a trial just at the limit is likely to save a part of the cost that counts."""
        beyond = [p for p in self._past + self._points if all(p is not other for other in kept)]
        if not kept or not beyond:
            return True
        # Between the best that keeps to the limit and the next that does not.
        best = min(kept, key=lambda point: point.cost)
        near = min(beyond, key=lambda point: abs(point.value - limit))
        share = (limit - best.value) / (near.value - best.value)
        return share * (best.cost - near.cost) >= _WORTH * best.cost

    def _move(self, limit: float, kept: list[_Point]) -> None:
        """Go on from the trial nearest to the limit."""
        nearest = min(kept, key=lambda point: abs(point.value - limit))
        self._base = self._source.rebased(self._start, nearest.trial, self._saving)
        self._guess = self._estimate(limit)
        self._past += self._points
        self._points = []

    def _bracket(self, limit: float) -> tuple[_Point | None, _Point | None]:
        """The points between whose prices the limit is met."""
        high = min(
            (p for p in self._points if p.value > limit), key=lambda p: p.price, default=None
        )
        low = max(
            (p for p in self._points if p.value <= limit and (not high or p.price < high.price)),
            key=lambda p: p.price,
            default=None,
        )
        return low, high

    def _spread(self, limit: float) -> tuple[float, float]:
        spread = _SPREADS[min(self._round, len(_SPREADS) - 1)]
        if self._points and None in self._bracket(limit):
            spread = max(spread, _WIDE)
        return 1 / spread, spread

    def _price(self, guess: float, factor: float) -> int:
        return int(min(max(guess * factor, 1), _MOST))

    def _estimate(self, limit: float) -> float:
        """Where the limit is likely to be met."""
        if not self._points:
            return self._guess
        low, high = self._bracket(limit)
        if low and high:
            share = (limit - low.value) / (high.value - low.value)
            # Far apart, values tell little but that there is a jump between them.
            least = 0.35 if high.price > _FAR * low.price else 0.05
            step = logarithm(high.price / low.price) * min(max(share, least), 1 - least)
            return low.price * exponential(step)
        order = sorted(self._points, key=lambda point: point.price)
        near, far = (order[-1], order[-2:][0]) if low else (order[0], order[:2][-1])
        step = _LEAP if low else -_LEAP
        if near.value != far.value:
            slope = (near.value - far.value) / logarithm(near.price / far.price)
            if slope > 0:
                step = min(max((limit - near.value) / slope, -_LEAP), _LEAP)
        # On, even if next to nothing is missing.
        step = max(step, 0.02) if low else min(step, -0.02)
        return near.price * exponential(step)
