"""The levels 0 to 9 of the search for a palette."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_LEVEL", "LEVELS", "Level"]

DEFAULT_LEVEL = 3


@dataclass(frozen=True)
class Level:
    """The settings of a level of search.

    Parameters
    ----------
    bits : int
        Upper bits of each channel that distinguish colours at first; 0 for all.
    rounds : int
        Rounds of Lloyd with momentum, at first; 0 for plain Lloyd.
    momentum : int
        Momentum in sixteenths.
    attempts, steps : int
        Attempts to move centroids, and rounds of Lloyd in each.
    final : int
        Rounds on all colours at the end.
    sweeps : int
        Sweeps over the entries to round them well.
    """

    bits: int = 0
    rounds: int = 0
    momentum: int = 14
    attempts: int = 0
    steps: int = 8
    final: int = 0
    sweeps: int = 0


LEVELS = (
    Level(),
    Level(bits=5, rounds=14, momentum=12, attempts=4, steps=5, final=2, sweeps=1),
    Level(bits=6, rounds=30, attempts=8, steps=6, final=4, sweeps=4),
    Level(bits=6, rounds=60, attempts=20, steps=8, final=8, sweeps=10),
    Level(bits=7, rounds=60, attempts=40, steps=8, final=12, sweeps=20),
    Level(bits=7, rounds=80, attempts=80, steps=10, final=16, sweeps=30),
    Level(bits=7, rounds=100, attempts=160, steps=12, final=20, sweeps=40),
    Level(bits=7, rounds=100, attempts=240, steps=14, final=30, sweeps=60),
    Level(bits=7, rounds=100, momentum=15, attempts=400, steps=16, final=40, sweeps=80),
    Level(rounds=100, momentum=15, attempts=600, steps=16, final=40, sweeps=100),
)
