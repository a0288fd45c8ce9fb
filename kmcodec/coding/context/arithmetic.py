"""The arithmetic coder: bits of known probability to bytes and back (spec/context.md, section 5).

A range coder without carries. What is coded so far is an interval, `low` to `high`, of numbers of
32 bits; each bit keeps the part of it that is due to its probability. The highest byte leaves as
soon as both ends agree in it.
"""

from __future__ import annotations

from typing import Protocol

from kmcodec.errors import KmcFormatError

__all__ = ["BitCoder", "BitDecoder", "BitEncoder", "check_end"]

_MASK = 0xFFFFFFFF


class BitCoder(Protocol):
    """What the model hands its decisions to: it does not know whether it encodes or decodes.

    Attributes
    ----------
    exhausted : bool
        Whether so much has been decoded that the payload is too short, whatever follows: to go on
        would only be work for whoever has forged it.
    """

    @property
    def exhausted(self) -> bool: ...

    def code(self, bit: int, p: int) -> int:
        """Code a bit and return it; a decoder ignores the argument and returns what was coded.

        Parameters
        ----------
        bit : int
        p : int
            The probability of 1, in 1/65536; below 65536.
        """


class BitEncoder:
    """Bits to bytes."""

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
        """All bytes, with the one more that it takes to lie within the last interval."""
        # The ends differ in their highest bytes: this is no more than `high`, and no carry.
        return bytes(self._output) + bytes([(self._low >> 24) + 1])


class BitDecoder:
    """Bytes to bits.

    Parameters
    ----------
    payload : bytes
        Zeros are read beyond its end.
    """

    def __init__(self, payload: bytes) -> None:
        self.low = 0
        self.shifts = 0
        self._high = _MASK
        self._payload = payload
        self._code = int.from_bytes(payload[:4].ljust(4, b"\0"), "big")

    @property
    def exhausted(self) -> bool:
        """See `BitCoder`; a payload has a byte more than there are shifts."""
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
    """Refuse bytes that do not end as an encoder ends them.

    Parameters
    ----------
    payload : bytes
    shifts, low : int
        Of the decoder, after the last bit.
    what : str
        What was decoded, such as ``"indices"``.

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
