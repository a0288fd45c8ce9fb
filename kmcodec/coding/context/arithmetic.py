"""The arithmetic coder: bits of known probability to bytes and back (spec/context.md, section 5).

A range coder without carries. The state is an interval, `low` to `high`, of 32-bit numbers. Each
bit narrows it in proportion to the bit's probability. The coder writes the highest byte as soon as
both ends agree in it.
"""

from __future__ import annotations

from typing import Protocol

from kmcodec.errors import KmcFormatError

__all__ = ["BitCoder", "BitDecoder", "BitEncoder", "check_end", "last_byte"]

_MASK = 0xFFFFFFFF


class BitCoder(Protocol):
    """The coder of the model's decisions; the model is the same for encoding and decoding.

    Attributes
    ----------
    exhausted : bool
        Whether the payload is certainly too short, whatever follows. Going on would waste time on
        a forged file.
    """

    @property
    def exhausted(self) -> bool: ...

    def code(self, bit: int, p: int) -> int:
        """Code a bit and return it; a decoder ignores the argument and returns the coded bit.

        Parameters
        ----------
        bit : int
        p : int
            The probability of 1, in 1/65536; below 65536.
        """


class BitEncoder:
    """Encode bits to bytes."""

    exhausted = False

    def __init__(self) -> None:
        self._low = 0
        self._high = _MASK
        self._output = bytearray()

    def code(self, bit: int, p: int) -> int:
        """Encode a bit; see `BitCoder`."""
        low, high = self._low, self._high
        middle = low + ((high - low) * p >> 16)
        if bit:
            high = middle
        else:
            low = middle + 1
        while not (low ^ high) >> 24:
            self._output.append(high >> 24)
            low = low << 8 & _MASK
            high = high << 8 & _MASK | 255
        self._low, self._high = low, high
        return bit

    def finish(self) -> bytes:
        """Return all bytes, with one more to select a number in the last interval."""
        return bytes(self._output) + last_byte(self._low)


def last_byte(low: int) -> bytes:
    """Return the byte that selects a number in the last interval."""
    # The ends differ in their highest bytes, so this does not exceed `high`, and never carries.
    return bytes([(low >> 24) + 1])


class BitDecoder:
    """Decode bytes to bits.

    Parameters
    ----------
    payload : bytes
        Beyond its end the decoder reads zeros.
    """

    def __init__(self, payload: bytes) -> None:
        self.low = 0
        self.shifts = 0
        self._high = _MASK
        self._payload = payload
        self._code = int.from_bytes(payload[:4].ljust(4, b"\0"), "big")

    @property
    def exhausted(self) -> bool:
        """See `BitCoder`; a valid payload has one byte more than shifts."""
        return self.shifts >= len(self._payload)

    def code(self, _: int, p: int) -> int:
        """Decode a bit; see `BitCoder`."""
        low, high = self.low, self._high
        middle = low + ((high - low) * p >> 16)
        bit = int(self._code <= middle)
        if bit:
            high = middle
        else:
            low = middle + 1
        while not (low ^ high) >> 24:
            at = self.shifts + 4
            following = self._payload[at] if at < len(self._payload) else 0
            self._code = self._code << 8 & _MASK | following
            self.shifts += 1
            low = low << 8 & _MASK
            high = high << 8 & _MASK | 255
        self.low, self._high = low, high
        return bit


def check_end(payload: bytes, shifts: int, low: int, what: str) -> None:
    """Refuse a payload that does not end as an encoder ends it.

    Parameters
    ----------
    payload : bytes
    shifts, low : int
        State of the decoder after the last bit.
    what : str
        The decoded data, such as ``"indices"``.

    Raises
    ------
    KmcFormatError
    """
    if len(payload) != shifts + 1:
        raise KmcFormatError(
            f"{len(payload):,} bytes of coded {what}, but the decoder used {shifts + 1:,}",
            expected=shifts + 1,
            found=len(payload),
        )
    if payload[-1] != (low >> 24) + 1:
        raise KmcFormatError(f"the last byte of coded {what} is not the one that an encoder writes")
