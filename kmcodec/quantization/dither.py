"""Dithering: place palette entries so that from afar they blend into the colour.

Two methods. `floyd-steinberg` diffuses the error of each pixel into its neighbours (Floyd and
Steinberg, "An adaptive algorithm for spatial grey scale", Proceedings of the SID 17(2), 1976),
in serpentine order. `blue-noise` is ordered: it finds a few entries for each colour whose mean is
that colour (Knoll, US patent 6,606,166, 1999, expired), and a mask without visible pattern
(Ulichney, "The void-and-cluster method for dither array generation", SPIE 1913, 1993) selects one
for each pixel. It is noisier, but the result depends on the pixel's place, its colour and how it
differs from its neighbours alone, so that a change does not spread.

Both leave edges, thin lines and most flat areas alone (`diffusion` says how), and half the error
is made up for by default. At equal SSIMULACRA2, crops of photos (K = 16, 32, 64, 256) take 0.62 of
the bytes of pngquant 2.17 (dithered) and oxipng with all of the error, and 0.53 with half of it;
nearest entries take 0.49. `benchmarks/dither.py` measures patches, lines and flicker.

All arithmetic is in whole numbers, in 1/16 of a level, the same on every machine.

Measurements use four Kodak photos at K = 16, 64 and 256: PSNR between the blurred result and the
blurred original (Gaussian, sigma 2), in stored (sRGB) values and, "as seen", in linear light.
Nearest entries reach 31.0, 38.8 and 45.3 dB on average; `diffusion` and `blue_noise` list the
results of the two methods.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.blue_noise import MaskPlacing
from kmcodec.quantization.colorspace import has_alpha
from kmcodec.quantization.diffusion import KEPT, SHARE_BITS, Diffusion
from kmcodec.quantization.row_groups import groups_of_rows

__all__ = ["DEFAULT_AMOUNT", "DITHERS", "Ditherer", "dither"]

_METHODS: dict[str, Any] = {"floyd-steinberg": Diffusion, "blue-noise": MaskPlacing}

DITHERS = tuple(_METHODS)
"""Dithering methods by name."""

DEFAULT_AMOUNT = 0.5
"""The default share of the error to compensate; see the module."""


def dither(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    method: str,
    amount: float = DEFAULT_AMOUNT,
    kept: NDArray[np.integer[Any]] | None = None,
) -> NDArray[np.intp]:
    """Assign palette entries to pixels so that their local mean is near the colour.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        C = 1 to 4: grey, grey and alpha, RGB, RGBA.
    palette, method, amount
        See `Ditherer`.
    kept : ndarray, shape (H, W), optional
        Entries that pixels keep, -1 for all others; see `Ditherer.place`.

    Returns
    -------
    ndarray, shape (H, W), intp

    Raises
    ------
    KmcInputError
        If the arrays are not as described, or do not belong together.

    Warns
    -----
    KmcWarning
        Once, if the compiled kernel is missing and `floyd-steinberg` therefore slow.
    """
    _check(pixels, palette)
    return Ditherer(palette, method, amount).place(pixels, kept)


class Ditherer:
    """Assign entries to the pixels of an image, row after row.

    A pixel whose colour equals an entry takes it (the first if several do), and neither receives
    nor passes on error: an image whose colours are all in the palette does not change. With
    alpha, only the colour is dithered, weighted by the pixel's alpha; fully transparent pixels
    take the nearest entry without dithering.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
        K = 1 to 65,536; C = 1 where pixels have shape (H, W).
    method : str
        One of `DITHERS`; the caller checks it.
    amount : float
        Share of the error to compensate, from 0 to 1, in steps of 1/256; the caller checks it. At
        0 each pixel takes its nearest entry; less than 1 is less noisy, and leaves colours near
        an entry flat.
    """

    def __init__(
        self, palette: NDArray[np.uint8], method: str, amount: float = DEFAULT_AMOUNT
    ) -> None:
        self._palette = np.ascontiguousarray(palette)
        share = math.floor(amount * (1 << SHARE_BITS) + 0.5)
        self._fill = _METHODS[method](self._palette, share) if share else None

    def place(
        self, pixels: NDArray[np.uint8], kept: NDArray[np.integer[Any]] | None = None
    ) -> NDArray[np.intp]:
        """Return the entries of the next rows.

        Parameters
        ----------
        pixels : ndarray, shape (rows, W) or (rows, W, C), uint8
        kept : ndarray, shape (rows, W), optional
            Entries that pixels keep, -1 for all others: where the frame before shows the same
            colour. Their errors are diffused, so that the pixels around them fit.

        Returns
        -------
        ndarray, shape (rows, W), intp
        """
        palette = self._palette
        pixels = np.ascontiguousarray(pixels.reshape(*pixels.shape[:2], palette.shape[1]))
        if self._fill is None:
            return _without_dither(pixels, palette)
        indices = _settled(pixels, palette)
        if kept is not None:
            keep = (indices < 0) & (kept >= 0)
            indices[keep] = KEPT - kept[keep].astype(np.intp)
        self._fill.fill(pixels, indices)
        if has_alpha(palette.shape[1]):
            _keep_opaque(pixels, palette, indices)
        return indices


def _keep_opaque(
    pixels: NDArray[np.uint8], palette: NDArray[np.uint8], indices: NDArray[np.intp]
) -> None:
    """Give opaque pixels an opaque entry, the nearest, where dithering gave them another."""
    frayed = (pixels[..., -1] == 255) & (palette[indices, -1] < 255)
    if frayed.any():
        indices[frayed] = nearest_entries(pixels[frayed], palette)


def _check(pixels: Any, palette: Any) -> None:
    # The compiled kernel relies on all these conditions.
    for name, array in (("pixels", pixels), ("palette", palette)):
        if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
            raise KmcInputError(f"{name} to dither must be an array of uint8")
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.ndim not in (2, 3) or not 1 <= channels <= 4 or 0 in pixels.shape:
        raise KmcInputError(
            "pixels to dither must have shape (height, width) or (height, width, 1 to 4 channels), "
            f"these have {pixels.shape}"
        )
    if palette.ndim != 2 or palette.shape[1] != channels or not len(palette):
        raise KmcInputError(
            f"the palette must have shape (entries, {channels}), not {palette.shape}"
        )


def _without_dither(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    indices = np.empty(pixels.shape[:2], np.intp)
    for rows in groups_of_rows(pixels):
        keys = keys_of(pixels[rows])
        distinct, inverse = np.unique(keys, return_inverse=True)
        colors = colors_of(distinct, palette.shape[1])
        indices[rows] = nearest_entries(colors, palette)[inverse].reshape(keys.shape)
    return indices


def _settled(pixels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the entries of exact and transparent pixels, and -1 for all others."""
    keys = keys_of(palette)
    # A stable order finds the first of equal entries.
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]
    indices = np.empty(pixels.shape[:2], np.intp)
    for rows in groups_of_rows(pixels):
        wanted = keys_of(pixels[rows])
        position = np.minimum(np.searchsorted(ascending, wanted), len(keys) - 1)
        indices[rows] = np.where(ascending[position] == wanted, order[position], -1)
        if has_alpha(palette.shape[1]):
            hidden = (pixels[rows][..., -1] == 0) & (indices[rows] < 0)
            nothing = np.zeros((1, palette.shape[1]), np.uint8)
            indices[rows][hidden] = nearest_entries(nothing, palette)[0]
    return indices
