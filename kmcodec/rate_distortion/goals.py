"""Meet a goal: a tolerance, a quality, or a size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from kmcodec.model.exact import exponential, logarithm, ratio
from kmcodec.model.image import IndexedImage
from kmcodec.parallel import in_threads_each
from kmcodec.rate_distortion.search import Measure, PriceSearch
from kmcodec.rate_distortion.source import Source, Trial

__all__ = [
    "Maker",
    "Outcome",
    "best_within_bytes",
    "smallest",
    "smallest_at_psnr",
    "smallest_within_tolerance",
    "with_entries",
]

# Decibels by which the nearest entries should exceed the wanted quality, so that a choice takes
# the fewest bytes. The minimum is flat: from 1.4 to 2.4 within 1.5 %.
_HEADROOM = 2.2
# The price of a bit at which a choice uses up this headroom, as a share of the mean squared
# distance.
_PRICE = 0.8
# Sufficient precision of a quality in decibels, and of a number of bytes as a share of it.
_NEAR = 0.03
_NEAR_BYTES = 0.004
# Rounds of a search for a price, rounds of a continued search, and number of first rounds after
# each of which the base moves to the trial nearest to the limit.
_ROUNDS = 7
_MORE_ROUNDS = 2
_MOVES = 4
# The same for a tolerance, which is small and so needs fewer rounds.
_TOLERANCE_ROUNDS = 5
_TOLERANCE_MOVES = 2
# The saving for a tolerance (see `Criterion`), found by measurement, like the headroom.
_TOLERANCE_SAVING = 384
# Decibels that an image in which errors are carried may lose from afar, for each of tolerance. At
# 0.1 it takes on photos 16 to 28 % fewer bytes than dithering beforehand that looks as good.
_FROM_AFAR = 10
# Rounds of a search for a number of entries, and its sufficient precision.
_STEPS = 5
_NEAR_HEADROOM = 0.4
_NEAR_SIZE = 0.1
# First guesses of the gain in decibels and of the growth of the file for twice as many entries.
_DOUBLING = 2.5
_GROWTH = 1.5
# No image is better than this, except one without error.
_LOSSLESS = 99.0


@dataclass(frozen=True)
class Outcome:
    """An image, the bytes of its file, and a description of any missed goal."""

    image: IndexedImage
    data: bytes
    shortfall: str | None = None


@dataclass(frozen=True)
class Maker:
    """The functions that make images and files during a search.

    Parameters
    ----------
    quantized : callable
        Returns the image with a palette of at most the given number of entries, nearest or
        dithered.
    least, most : int
        Minimum and maximum number of entries.
    encoded : callable
        Returns the bytes of the file of an image.
    overhead : callable
        Returns the number of bytes besides the coded indices.
    advance : callable
        Called after each step of the work.
    """

    quantized: Callable[[int], IndexedImage]
    least: int
    most: int
    encoded: Callable[[IndexedImage], bytes]
    overhead: Callable[[IndexedImage], int]
    advance: Callable[[], None]


def smallest_within_tolerance(
    source: Source, image: IndexedImage, decibels: float, maker: Maker
) -> Outcome:
    """Return the smallest image whose PSNR is at most `decibels` below that of an image.

    If the choice carries errors, it is the PSNR of the smoothed image, and ten times as much.

    Parameters
    ----------
    source : Source
    image : IndexedImage
        With the nearest entries, or dithered.
    decibels : float
        More than 0.
    maker : Maker
    """
    base = source.base(image)
    price = source.error_scale(base.image) * 0.15 * math.sqrt(10 * decibels)
    # The added error depends on the price, whatever the error was before.
    if source.carries_errors:
        (plain,) = source.choose(base, [1])
        error, growth = float(source.error_from_afar(plain.image)), decibels * _FROM_AFAR
    else:
        error, growth = source.error_of(image), decibels
    room = error * (ratio(growth) - 1)
    if not room or price == 0:
        return smallest([image], maker)

    def added(trial: Trial) -> float:
        if source.carries_errors:
            return source.error_from_afar(trial.image) - error
        return trial.error - (0.0 if source.dithered else error)

    search = PriceSearch(
        source,
        base,
        price,
        Measure(
            value=lambda trial: logarithm(max(1.0, added(trial))),
            cost=lambda trial: trial.size,
            above=False,
        ),
        moves=_TOLERANCE_MOVES,
        saving=_TOLERANCE_SAVING,
        advance=maker.advance,
    )
    found = search.reach(logarithm(max(1.0, room)), slack=0.02, rounds=_TOLERANCE_ROUNDS)
    return smallest([image] if found is None else [source.tidied(found.image), image], maker)


def smallest_at_psnr(source: Source, maker: Maker, decibels: float) -> Outcome:
    """Return the smallest image with at least a given PSNR.

    Parameters
    ----------
    source : Source
    maker : Maker
    decibels : float
    """

    def better(image: IndexedImage) -> float:
        return source.psnr_of(image) - decibels - _HEADROOM

    tried = with_entries(
        maker, better, doubling=_DOUBLING, near=_NEAR_HEADROOM, least=_NEAR - _HEADROOM
    )
    image = tried[0]
    reached = source.psnr_of(image)
    if reached < decibels:
        return Outcome(
            image,
            maker.encoded(image),
            f"{decibels:g} dB cannot be reached with {maker.most:,} colours, {reached:.2f} dB can",
        )
    base = source.base(image)
    limit = source.error_at(decibels)
    added = source.error_of(base.image)
    search = PriceSearch(
        source,
        base,
        max(1.0, source.error_scale(base.image)) * _PRICE,
        Measure(
            value=lambda trial: logarithm(max(1.0, source.true_error(trial) - added)),
            cost=lambda trial: trial.size + maker.overhead(trial.image),
            above=False,
        ),
        moves=_MOVES,
        advance=maker.advance,
    )
    room = max(1.0, limit - added)
    found = search.reach(logarithm(room), slack=limit * (1 - ratio(-_NEAR)) / room, rounds=_ROUNDS)
    # For a simple image the nearest of fewer entries may take fewer bytes than any choice.
    enough = [image for image in tried if source.psnr_of(image) >= decibels]
    made = [min(enough, key=lambda image: len(image.palette))]
    if found is not None:
        made.insert(0, source.tidied(found.image))
    return smallest(made, maker)


def best_within_bytes(source: Source, maker: Maker, most_bytes: int) -> Outcome:
    """Return the best image whose file has at most `most_bytes` bytes.

    Parameters
    ----------
    source : Source
    maker : Maker
    most_bytes : int
    """

    def smaller(image: IndexedImage) -> float:
        # The excess size of the file after such a choice, in doublings.
        return logarithm(_size_at_headroom(source, maker, image) / most_bytes) / logarithm(2)

    found = with_entries(maker, smaller, doubling=1 / _GROWTH, near=_NEAR_SIZE, least=-math.inf)
    image = found[0]
    outcome = smallest([image], maker)
    fits = len(outcome.data) <= most_bytes
    if fits and (len(image.palette) == maker.most or not source.error_of(image)):
        return outcome
    fitting: list[Outcome] = []
    while len(image.palette) > maker.least:
        best = _within_bytes(source, maker, image, most_bytes)
        fitting += [best] if best is not None else []
        # A far smaller file has lost more quality than necessary.
        if best is not None and (fits or 2 * len(best.data) >= most_bytes):
            break
        image = maker.quantized(max(maker.least, len(image.palette) // 2))
    if fitting:
        return min(fitting, key=lambda outcome: source.error_of(outcome.image))
    outcome = smallest([image], maker)
    size = len(outcome.data)
    if size <= most_bytes:
        return outcome
    return Outcome(
        image,
        outcome.data,
        f"{most_bytes:,} bytes cannot be reached: {_colors_take(image)} {size:,}",
    )


def smallest(images: list[IndexedImage], maker: Maker) -> Outcome:
    """Return the image with the smallest file; the first wins a tie."""
    files = in_threads_each(maker.encoded, images)
    data, image = min(zip(files, images, strict=True), key=lambda pair: len(pair[0]))
    return Outcome(image, data)


def _within_bytes(
    source: Source, maker: Maker, image: IndexedImage, most_bytes: int
) -> Outcome | None:
    """Return the best choice for an image within `most_bytes`, or None if no choice fits."""

    def size_of(trial: Trial) -> int:
        return trial.size + maker.overhead(trial.image)

    base = source.base(image)
    search = PriceSearch(
        source,
        base,
        max(1.0, source.error_scale(base.image)) * _PRICE,
        Measure(
            value=lambda trial: -logarithm(size_of(trial)),
            cost=source.true_error,
            above=True,
        ),
        moves=_MOVES,
        advance=maker.advance,
    )
    best: Outcome | None = None
    limit, rounds = float(most_bytes), _ROUNDS
    for _ in range(3):
        found = search.reach(-logarithm(limit), slack=_NEAR_BYTES, rounds=rounds)
        if found is None:
            break
        chosen = smallest([source.tidied(found.image)], maker)
        size = len(chosen.data)
        if size <= most_bytes:
            best = chosen
            # Near enough; or the size jumps from too large to far too small.
            if size >= (1 - 2 * _NEAR_BYTES) * most_bytes or 2 * size < most_bytes:
                break
        # A trial's size can differ from its file's: entries have moved and been reordered, or the
        # image is now simple enough for a stronger profile.
        limit = most_bytes * (size_of(found) / size) * (1 - _NEAR_BYTES / 2)
        rounds = _MORE_ROUNDS
    return best


def _colors_take(image: IndexedImage) -> str:
    count = len(image.palette)
    return "one colour takes" if count == 1 else f"{count:,} colours take"


def _size_at_headroom(source: Source, maker: Maker, image: IndexedImage) -> int:
    """Return the approximate size of a file whose choice uses up the headroom in quality."""
    base = source.base(image)
    price = max(1, int(256 * _PRICE * source.error_scale(base.image)))
    (trial,) = source.choose(base, [price])
    return trial.size + maker.overhead(trial.image)


def with_entries(
    maker: Maker,
    excess: Callable[[IndexedImage], float],
    *,
    doubling: float,
    near: float,
    least: float,
    first: int = 64,
    measures: bool = False,
) -> list[IndexedImage]:
    """Return images whose number of entries brings `excess` near 0, best first.

    Parameters
    ----------
    maker : Maker
    excess : callable
    doubling : float
        Approximate growth of `excess` when the number of entries doubles.
    near : float
        Distance from 0 that is good enough.
    least : float
        Preferred lower bound of `excess`.
    first : int
        Number of entries to try first.
    measures : bool
        Whether `doubling` is only a first guess, and the growth between two numbers counts then.
    """
    tried: dict[int, tuple[float, IndexedImage]] = {}
    k = max(maker.least, min(maker.most, first))
    for _ in range(_STEPS):
        image = maker.quantized(k)
        tried[k] = (min(_LOSSLESS, excess(image)), image)
        maker.advance()
        if abs(tried[k][0]) <= near:
            break
        values = {k: value for k, (value, _) in tried.items()}
        growth = _measured(values, k, doubling) if measures else doubling
        k = _next_entries(values, growth, maker.most)
        k = max(maker.least, k)
        if k in tried:
            break
    order = sorted(tried.values(), key=lambda pair: (pair[0] < least, abs(pair[0])))
    return [image for _, image in order]


def _next_entries(tried: dict[int, float], doubling: float, most: int) -> int:
    """Return the next number of entries to try: between different signs, or farther on."""
    below = [k for k, value in tried.items() if value < 0]
    above = [k for k, value in tried.items() if value >= 0]
    if not below or not above:
        k = min(above) if above else max(below)
        moved = round(k * _doubled(min(max(-tried[k] / doubling, -3.0), 3.0)))
        return max(1, min(most, moved))
    low, high = max(below), min(above)
    share = min(max(tried[low] / (tried[low] - tried[high]), 0.15), 0.85)
    return round(low * exponential(share * logarithm(high / low)))


def _measured(tried: dict[int, float], k: int, usual: float) -> float:
    """Return the growth for twice as many entries near `k`, not too far from the usual one."""
    others = sorted((abs(logarithm(other / k)), other) for other in tried if other != k)
    if not others:
        return usual
    other = others[0][1]
    growth = (tried[other] - tried[k]) * logarithm(2) / logarithm(other / k)
    return min(max(growth, usual / 2), 2 * usual)


def _doubled(times: float) -> float:
    return exponential(times * logarithm(2))
