"""The price of a bit at which a measure of a trial meets its limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kmcodec.rate_distortion.source import Source, Trial

__all__ = ["Measured", "search_price"]

# Of two trials each: one for each core of a small machine.
_ROUNDS = 8
# How far apart the two prices of a round are from the guess between them: less and less.
_SPREADS = (2.2, 1.06, 1.03, 1.015)
# After so many of them palette entries move.
_MOVES = 2
# Prices that are as good as the same: what is measured may jump between them.
_SAME = 1.005
# No price is higher: one bit would be worth the error of black against white, and more.
_MOST = 1 << 30


@dataclass(frozen=True)
class Measured:
    """A trial at a price, in 1/256 squared error for a bit, and what was measured of it."""

    price: float
    value: float
    trial: Trial

    def misses(self, limit: float) -> float:
        """How far the value is from a limit."""
        return abs(self.value - limit)


def search_price(
    source: Source,
    start: Trial,
    first: float,
    measure: Callable[[Trial], float],
    limit: float,
    *,
    above: bool,
    slack: float,
    rounds: int = _ROUNDS,
    moves: int = _MOVES,
    advance: Callable[[], None],
) -> Trial | None:
    """The trial on one side of the limit that is nearest to it.

    Parameters
    ----------
    source : Source
    start : Trial
        Without any choice: that of price nothing.
    first : float
        A guess of the price: squared error for a bit.
    measure : callable
        Something that grows with the price.
    limit : float
    above : bool
        Which side: at the limit or above, or at the limit or below.
    slack : float
        How far from the limit is near enough.
    rounds : int
        The most rounds of two trials.
    moves : int
        After how many of them the next begins from where palette entries have moved to.
    advance : callable
        Called after each round.

    Returns
    -------
    Trial or None
        None if no trial was on that side.

    Notes
    -----
    Only arithmetic that is exact to the last bit everywhere: the same prices on every platform.
    """
    floor = Measured(1, measure(start), start)
    low, high, best = floor, None, None
    base, guess = start.image, first * 256
    for round_ in range(rounds):
        spread = _SPREADS[min(round_, len(_SPREADS) - 1)]
        prices = sorted({int(min(max(guess * x, 1), _MOST)) for x in (1 / spread, spread)})
        for price, trial in zip(prices, source.choose(base, prices), strict=True):
            found = Measured(price, measure(trial), trial)
            over = found.value > limit or (above and found.value == limit)
            if over and (high is None or price < high.price):
                high = found
            elif not over and price > low.price:
                low = found
            if over == above and (best is None or found.misses(limit) < best.misses(limit)):
                best = found
        advance()
        if best is not None and best.misses(limit) <= slack:
            break
        if high is not None and high.price <= max(low.price + 1, _SAME * low.price):
            break
        guess = _between(floor, low, high, limit)
        if best is not None and round_ < moves:
            # From where its entries have moved to; what was measured before then is no guide.
            moved = source.rebased(start.image, best.trial.image)
            if moved is not base:
                base, low, high = moved, floor, None
    return None if best is None else best.trial


def _between(floor: Measured, low: Measured, high: Measured | None, limit: float) -> float:
    """Where the limit is likely to be met: error and bytes change about as the price's square."""
    if high is None:
        gained = low.value - floor.value
        ahead = math.sqrt((limit - floor.value) / gained) if gained > 0 else 4.0
        return low.price * min(max(ahead, 1.02), 4.0)
    if high.value <= low.value:
        return (low.price + high.price) / 2
    share = min(max((limit - low.value) / (high.value - low.value), 0.001), 0.999)
    return math.sqrt(low.price**2 + (high.price**2 - low.price**2) * share)
