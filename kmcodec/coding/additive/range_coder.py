"""The range coder of the additive coder (spec/additive.md, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kmcodec.errors import KmcFormatError

__all__ = ["RangeCoder", "RangeDecoder", "RangeEncoder", "check_end"]

_START = 0xFF00


class RangeCoder(Protocol):
    """The coder of decisions; the model is the same for encoding and decoding.

    Attributes
    ----------
    exhausted : bool
        Whether the payload is certainly too short, whatever follows.
    """

    @property
    def exhausted(self) -> bool: ...

    def code_bit(self, bit: int, p: int) -> int:
        """Code a bit and return it; a decoder ignores the argument.

        Parameters
        ----------
        bit : int
        p : int
            The probability of 1, in 1/65536, at least 2 and at most 65534.
        """

    def code_value(self, value: int, bounds: Sequence[int]) -> int:
        """Code a value from 0 to 15 and return it; a decoder ignores the argument.

        Parameters
        ----------
        value : int
        bounds : sequence of int
            The probability, in 1/65536, of all values below each value: 17, from 0 to 65536.
        """


class RangeEncoder:
    """Encode decisions to bytes."""

    exhausted = False

    def __init__(self) -> None:
        self._range = _START
        self._low = 0
        self._output = bytearray()
        self._shifts = 0

    def code_bit(self, bit: int, p: int) -> int:
        """Encode a bit; see `RangeCoder`."""
        bound = self._range * p >> 16
        self._narrow(0 if bit else bound, bound if bit else self._range)
        return bit

    def code_value(self, value: int, bounds: Sequence[int]) -> int:
        """Encode a value; see `RangeCoder`."""
        start, end = (bounds[i] * self._range >> 16 for i in (value, value + 1))
        self._narrow(start, end)
        return value

    def _narrow(self, start: int, end: int) -> None:
        shift = 16 - (end - start).bit_length()
        self._low = self._low + start << shift
        self._range = end - start << shift
        self._shifts += shift
        # Keep the number small.
        if self._shifts // 8 - len(self._output) > 64:
            self._move(self._shifts // 8 - len(self._output), self._shifts % 8 + 16)

    def _move(self, count: int, rest: int) -> None:
        """Move `count` bytes to the output: all of `low` but its `rest` lowest bits."""
        carry, low = divmod(self._low, 1 << (8 * count + rest))
        at = len(self._output) - 1
        while carry:
            carry = int(self._output[at] == 255)
            self._output[at] = self._output[at] + 1 & 255
            at -= 1
        self._output += (low >> rest).to_bytes(count, "big")
        self._low = low & (1 << rest) - 1

    def finish(self) -> bytes:
        """Return all bytes: the least multiple of 2 ** 15 in the last interval selects it."""
        self._low = self._low + 0x7FFF >> 15 << 15
        self._move(self._shifts // 8 + 1 - len(self._output), self._shifts % 8 + 8)
        return bytes(self._output)


class RangeDecoder:
    """Decode bytes to decisions.

    Parameters
    ----------
    payload : bytes
        Beyond its end the decoder reads zeros.

    Attributes
    ----------
    shifts : int
        How many bits the range has been shifted by.
    code : int
        Where the payload lies in the range.
    """

    def __init__(self, payload: bytes) -> None:
        self._bits = 8 * len(payload)
        self._payload = payload
        self._range = _START
        self.shifts = 0
        self.code = self._read(0, 16)

    @property
    def exhausted(self) -> bool:
        """Whether more bits were decoded than the payload has."""
        return self.shifts >= self._bits

    def _read(self, at: int, count: int) -> int:
        """Return `count` bits, at most 16, from bit `at` on."""
        four = self._payload[at >> 3 : (at >> 3) + 4].ljust(4, b"\0")
        return int.from_bytes(four, "big") >> (32 - (at & 7) - count) & (1 << count) - 1

    def code_bit(self, bit: int, p: int) -> int:
        """Decode a bit; see `RangeCoder`."""
        bound = self._range * p >> 16
        bit = int(self.code < bound)
        self._narrow(0 if bit else bound, bound if bit else self._range)
        return bit

    def code_value(self, value: int, bounds: Sequence[int]) -> int:
        """Decode a value; see `RangeCoder`."""
        starts = [bound * self._range >> 16 for bound in bounds]
        value = max(i for i in range(16) if starts[i] <= self.code)
        self._narrow(starts[value], starts[value + 1])
        return value

    def _narrow(self, start: int, end: int) -> None:
        shift = 16 - (end - start).bit_length()
        read = self._read(self.shifts + 16, shift)
        self.code = (self.code - start << shift) + read
        self._range = end - start << shift
        self.shifts += shift


def check_end(payload: bytes, shifts: int, code: int) -> None:
    """Check that a payload ends as an encoder ends it.

    Parameters
    ----------
    payload : bytes
    shifts, code : int
        Of the decoder after its last decision.

    Raises
    ------
    KmcFormatError
        If it does not.
    """
    due = shifts // 8 + 1
    if len(payload) != due:
        raise KmcFormatError(
            f"{len(payload):,} bytes of coded indices, but the decoder used {due:,}",
            expected=due,
            found=len(payload),
        )
    if code >= 0x8000 or payload[-1] & 0x7F >> (shifts & 7):
        raise KmcFormatError("the last bits of coded indices are not those that an encoder writes")
