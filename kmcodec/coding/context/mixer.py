"""The mixer: combine all predictions of a decision into its probability.

See spec/context.md, section 8. `Stage.predict` changes only the decision passed to it, so a
probability can be computed without side effects. `Stage.learn` updates the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Any

from numpy.typing import NDArray

from kmcodec.coding.context.memory import MAP_LIMIT, Slot, adapted
from kmcodec.coding.context.profiles import Profile
from kmcodec.coding.context.tables import KINDS, StageStart, tables
from kmcodec.coding.logistic import DOMAIN

__all__ = ["Decision", "Stage"]

_BIAS = 256
_REFINE_RATE = 1311
_FINAL_LIMIT = 524287
_LEAST_ERROR = 512
# Decisions after which the rate stays constant.
_RATE_LAST = 262144

_SQUASH: list[int] = tables().squash.tolist()
_STRETCH: list[int] = tables().stretch.tolist()


@dataclass(slots=True)
class Decision:
    """A binary decision: the inputs of its prediction, followed by the results.

    Parameters
    ----------
    kind : int
        The rank of a candidate, or the depth of a node.
    slots, patterns : list of Slot
        One for each context, one for each pattern.
    runs : list of int
        For each head 32 * relation + run, or -1 if the head makes no prediction.
    distances : list of int
        For each predicted colour 64 * activity + distance.
    pairs : list of int
        For each pair 64 * one side + the other.
    sets : list of int
        The sets of weights.
    final : int
        The set of weights of the second layer.
    curve : int
        The curve that refines the probability.
    """

    kind: int
    slots: list[Slot]
    patterns: list[Slot]
    runs: list[int]
    distances: list[int]
    pairs: list[int]
    sets: list[int]
    final: int
    curve: int
    inputs: list[int] = field(default_factory=list)
    dots: list[int] = field(default_factory=list)
    mixed: int = 0


class Stage:
    """The learned state of one sort of decisions, flags or tree.

    Parameters
    ----------
    profile : Profile
    start : StageStart
    """

    def __init__(self, profile: Profile, start: StageStart) -> None:
        self._profile = profile
        self._rate = profile.rate + profile.rate_first
        self._learned = 0
        # Sets of weights are created on first use: most are never used.
        self._start: list[int] = start.weights.tolist()
        self._sets: list[dict[int, list[int]]] = [{} for _ in start.set_sizes]
        self._final: list[list[int]] = start.final.reshape(-1, profile.sets).tolist()
        # By head, map, predicted colour or pair; by kind; and by the values of `Decision`.
        self._runs = _by_kind(start.runs, 6 * 32)
        self._histories = _by_kind(start.histories, 256)
        self._distances = _by_kind(start.distances, 8 * 64)
        self._pairs = _by_kind(start.pairs, 64 * 64)
        self._curves: list[list[int]] = start.refinement.reshape(-1, 33).tolist()

    def predict(self, decision: Decision) -> int:
        """Return the probability of 1, in 1/65536; the decision keeps the data for `learn`."""
        decision.inputs = self._inputs(decision)
        decision.dots = []
        total = 0
        weights = self._weights(decision)
        for of, final in zip(weights, self._final[decision.final], strict=True):
            dot = sum(map(mul, decision.inputs, of))
            # Wrap as a signed 32-bit sum does, so that all twins agree.
            dot = ((dot + 0x80000000) & 0xFFFFFFFF) - 0x80000000
            dot = min(DOMAIN, max(-DOMAIN, dot >> 14))
            decision.dots.append(dot)
            total += dot * final
        decision.mixed = min(DOMAIN, max(-DOMAIN, total >> 16))
        return self._refined(decision)

    def learn(self, decision: Decision, bit: int) -> None:
        """Learn from a decision right after it was predicted.

        Parameters
        ----------
        decision : Decision
            Predicted after the last call of `learn`.
        bit : int
        """
        self._train(decision, bit)
        kind = decision.kind
        slots = decision.slots + decision.patterns
        for slot, histories in zip(slots, self._histories, strict=False):
            if slot.history:
                _adapt(histories[kind], slot.history, bit)
        for slot in slots:
            slot.learn(bit)
        for runs, at in zip(self._runs, decision.runs, strict=True):
            if at >= 0:
                _adapt(runs[kind], at, bit)
        for distances, at in zip(self._distances, decision.distances, strict=True):
            _adapt(distances[kind], at, bit)
        for pairs, at in zip(self._pairs, decision.pairs, strict=True):
            _adapt(pairs[kind], at, bit)

    def _inputs(self, decision: Decision) -> list[int]:
        kind, count = decision.kind, len(decision.slots)
        inputs = self._of_slots(decision.slots, kind, self._histories[:count])
        inputs += self._of_slots(decision.patterns, kind, self._histories[count:])
        for runs, at in zip(self._runs, decision.runs, strict=True):
            inputs.append(_STRETCH[runs[kind][at] >> 20] if at >= 0 else 0)
        for distances, at in zip(self._distances, decision.distances, strict=True):
            inputs.append(_STRETCH[distances[kind][at] >> 20])
        for pairs, at in zip(self._pairs, decision.pairs, strict=True):
            inputs.append(_STRETCH[pairs[kind][at] >> 20])
        inputs.append(_BIAS)
        return inputs

    def _of_slots(
        self, slots: list[Slot], kind: int, histories: Sequence[list[list[int]]]
    ) -> list[int]:
        """Return the inputs of slots: first one of each slot, then a second one of each, etc."""
        inputs = [_STRETCH[slot.p >> 4] for slot in slots]
        inputs += [(slot.p - 32768) >> 5 for slot in slots]
        if not histories:
            return inputs
        pure = []
        for slot, of in zip(slots, histories, strict=True):
            seen = slot.history
            value = _STRETCH[of[kind][seen] >> 20] if seen else 0
            inputs.append(value)
            # The history holds only zeros, or only ones.
            pure.append(value if seen < 16 or seen & 15 == 0 else 0)
        return inputs + pure

    def _weights(self, decision: Decision) -> list[list[int]]:
        chosen = []
        for sets, number in zip(self._sets, decision.sets, strict=True):
            if number not in sets:
                # Creating the set changes no probability. Weights after the inputs are padding for
                # the compiled twin.
                sets[number] = self._start[: len(decision.inputs)]
            chosen.append(sets[number])
        return chosen

    def _refined(self, decision: Decision) -> int:
        """Return the mean of the mixed probability and the refined one."""
        curve = self._curves[decision.curve]
        knot, fraction = divmod(decision.mixed + 2048, 128)
        refined = curve[knot] * (128 - fraction) + curve[knot + 1] * fraction >> 7
        return (_SQUASH[decision.mixed + DOMAIN] + refined) >> 1

    def _train(self, decision: Decision, bit: int) -> None:
        """Train the weights, each set by its own error, and the refinement."""
        curve, knot = self._curves[decision.curve], (decision.mixed + 2048 + 64) >> 7
        curve[knot] += ((65535 if bit else 0) - curve[knot]) * _REFINE_RATE >> 16
        error = (bit << 16) - _SQUASH[decision.mixed + DOMAIN] >> 4
        final = self._final[decision.final]
        for i, (weights, dot) in enumerate(
            zip(self._weights(decision), decision.dots, strict=True)
        ):
            moved = final[i] + (dot * error + 4096 >> 13)
            final[i] = min(_FINAL_LIMIT, max(-_FINAL_LIMIT, moved))
            own_error = (bit << 16) - _SQUASH[dot + DOMAIN]
            if abs(own_error) >= _LEAST_ERROR:
                rate = min(32767, max(-32768, own_error * self._rate >> 6))
                _move(weights, decision.inputs, rate)
        if self._learned < _RATE_LAST:
            self._learned += 1
            if self._learned % 64 == 0:
                profile, learned = self._profile, self._learned
                first = profile.rate_first * profile.rate_time // (profile.rate_time + learned)
                self._rate = profile.rate + first


def _by_kind(table: NDArray[Any], size: int) -> list[list[list[int]]]:
    nested: list[list[list[int]]] = table.reshape(-1, KINDS, size).tolist()
    return nested


def _adapt(states: list[int], at: int, bit: int) -> None:
    states[at] = adapted(states[at], bit, MAP_LIMIT)


def _move(weights: list[int], inputs: list[int], rate: int) -> None:
    """Move weights along the inputs; they saturate at 16 bits."""
    moved = [w + ((x * rate + 32768) >> 16) for w, x in zip(weights, inputs, strict=True)]
    if max(moved) > 32767 or min(moved) < -32768:
        moved = [min(32767, max(-32768, w)) for w in moved]
    weights[:] = moved
