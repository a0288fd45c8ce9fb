"""The vote for the two most likely symbols of a pixel (spec/context.md, section 7)."""

from __future__ import annotations

from kmcodec.coding.context.pixel import NE, NW, N, Pixel, W

__all__ = ["elect"]

# By the length of a context's run of its last symbol: about 240 times the probability that the
# symbol comes again.
_VOTES = [0, 80, 120, 140, 160, 170, 180, 190, 200, 200, 210, 210, 220, 220, 220, 220]
_VOTES += 8 * [240] + 7 * [250] + [260]

# Neighbours vote too.
_NEIGHBORS = ((W, 150), (N, 150), (NE, 75), (NW, 37))


def elect(pixel: Pixel) -> None:
    """Fill in the candidates and their strengths; the symbol named first wins a tie."""
    votes: dict[int, int] = {}
    for head in pixel.heads:
        if head.run:
            own = _VOTES[min(31, head.run)]
            votes[head.last] = votes.get(head.last, 0) + own
            if head.before != head.last:
                votes[head.before] = votes.get(head.before, 0) + 80 - (own >> 2)
    for place, own in _NEIGHBORS:
        symbol = pixel.near[place]
        votes[symbol] = votes.get(symbol, 0) + own
    first = max(votes, key=votes.__getitem__)
    strength = votes.pop(first)
    second = max(votes, key=votes.__getitem__, default=first)
    pixel.candidates = (first, second)
    pixel.strengths = (strength, votes.get(second, 0))
