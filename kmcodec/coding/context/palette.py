"""The palette, coded as an ordered set of colours (spec/context.md, section 12).

The order of the entries costs nothing: it is always from dark to bright. In ascending order of
their bits each entry predicts some bits of the next, and green predicts red and blue.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.context.arithmetic import BitCoder, BitDecoder, BitEncoder, check_end, last_byte
from kmcodec.coding.context.kernels import PALETTE
from kmcodec.coding.context.memory import adapted
from kmcodec.coding.context.tables import adaptive, tables
from kmcodec.errors import KmcFormatError
from kmcodec.model.palette_order import dark_to_bright

__all__ = ["decode_palette", "encode_palette"]

_LIMIT = 30
# Estimates of a channel: not tight, or tight at one of eight levels; each for ten cases.
_STATES = 9
_CASES = 10


def encode_palette(palette: NDArray[np.uint8]) -> bytes | None:
    """Code a palette that runs from dark to bright.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8

    Returns
    -------
    bytes or None
        None if entries repeat or are in another order, which coding would lose.
    """
    in_order = (dark_to_bright(palette) == np.arange(len(palette))).all()
    if not in_order or (palette[1:] == palette[:-1]).all(axis=1).any():
        return None
    channels = palette.shape[1]
    keys = _interleaved(palette)
    if PALETTE is not None:
        coded, low = PALETTE.encode(keys, *_model(channels))
        return bytes(coded) + last_byte(low)
    encoder = BitEncoder()
    _code(encoder, keys.tolist(), channels)
    return encoder.finish()


def decode_palette(payload: bytes, entries: int, channels: int) -> NDArray[np.uint8]:
    """Decode a palette.

    Returns
    -------
    ndarray, shape (entries, channels), uint8
        Distinct entries, from dark to bright.

    Raises
    ------
    KmcFormatError
        If the payload is not exactly what `encode_palette` may have written.
    """
    if PALETTE is None:
        decoder = BitDecoder(payload)
        keys = np.array(_code(decoder, repeat(0, entries), channels), np.uint32)
        shifts, low = decoder.shifts, decoder.low
    else:
        keys, repeats, shifts, low = PALETTE.decode(payload, entries, *_model(channels))
        if repeats:
            raise _repeated(len(keys) - 1)
    check_end(payload, shifts, low, "palette")
    palette = _separated(keys, channels)
    return palette[dark_to_bright(palette)]


def _code(coder: BitCoder, keys: Iterable[int], channels: int) -> list[int]:
    """Code entries as interleaved bits, in ascending order; a decoder ignores their values.

    It stops at an entry for which the payload is certainly too short.

    Raises
    ------
    KmcFormatError
        If an entry is decoded twice.
    """
    code = coder.code
    steps = _steps(channels)
    estimates = _estimates(channels)
    coded: list[int] = []
    for key in keys:
        if coder.exhausted:
            break
        entry, before = 0, coded[-1] if coded else 0
        # Tight: all bits so far equal those of the entry before, so where it has a one this
        # entry has a one too.
        tight = bool(coded)
        seen = [0] * channels
        for shift, channel, level, guessed in steps:
            own = seen[channel]
            if tight and before >> shift & 1:
                bit = 1
            else:
                if guessed:
                    green = seen[0]
                    case = 2 * (min(2, max(-2, own - (green >> 1))) + 2) + (green & 1)
                elif own:
                    case = 2 * (own == (1 << 7 - level) - 1)
                else:
                    case = 1
                place = (channel * _STATES + (level + 1 if tight else 0)) * _CASES + case
                state = estimates[place]
                bit = code(key >> shift & 1, min(65472, max(64, state >> 16)))
                estimates[place] = adapted(state, bit, _LIMIT)
                tight = tight and not bit
            seen[channel] = own << 1 | bit
            entry = entry << 1 | bit
        if tight:
            raise _repeated(len(coded))
        coded.append(entry)
    return coded


def _repeated(number: int) -> KmcFormatError:
    return KmcFormatError(f"coded entry {number:,} repeats the one before")


def _model(channels: int) -> tuple[Any, ...]:
    """Return what the kernel needs to know of the model."""
    return (
        np.array(_steps(channels), np.int32),
        np.array(_estimates(channels), np.uint32),
        tables().reciprocal,
        (_STATES, _CASES, _LIMIT),
    )


def _steps(channels: int) -> list[tuple[int, int, int, bool]]:
    """Return the shift, channel and level of each bit, and True if green predicts it."""
    shifts = range(8 * channels - 1, -1, -1)
    places = ((level, channel) for level in range(7, -1, -1) for channel in range(channels))
    return [
        (shift, channel, level, _is_guessed(channel, channels))
        for shift, (level, channel) in zip(shifts, places, strict=True)
    ]


def _estimates(channels: int) -> list[int]:
    """Return initial estimates by channel, tightness and case."""
    even, guess = adaptive(1, 2, 0), [adaptive(1, 4, 1), adaptive(3, 4, 1)]
    plain = [even] * _CASES
    guessed = [even] * 4 + guess + [even] * 4
    tables = [guessed if _is_guessed(at, channels) else plain for at in range(channels)]
    return [state for table in tables for state in table * _STATES]


def _is_guessed(channel: int, channels: int) -> bool:
    """Return True if a channel, in the order of coding, is red or blue."""
    return channels >= 3 and channel in (1, 2)


def _order(channels: int) -> list[int]:
    # Green first: it predicts the other two best.
    return [1, 0, *range(2, channels)] if channels >= 3 else list(range(channels))


def _interleaved(palette: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return entries as ascending numbers, with the highest bits of all channels first."""
    channels = palette.shape[1]
    bits = np.unpackbits(palette[:, _order(channels), np.newaxis], axis=2)
    packed = np.zeros((len(palette), 4), np.uint8)
    packed[:, 4 - channels :] = np.packbits(bits.transpose(0, 2, 1).reshape(len(palette), -1), 1)
    return np.sort(packed.view(">u4")[:, 0].astype(np.uint32))


def _separated(keys: NDArray[np.uint32], channels: int) -> NDArray[np.uint8]:
    """Undo `_interleaved`; entries are in the order of the keys."""
    data = keys.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - channels :]
    bits = np.unpackbits(data, axis=1).reshape(len(keys), 8, channels)
    palette = np.empty((len(keys), channels), np.uint8)
    palette[:, _order(channels)] = np.packbits(bits.transpose(0, 2, 1), axis=2)[..., 0]
    return palette
