"""Convert colours with an ICC profile to sRGB for display."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.errors import warn
from kmcodec.model.image import IndexedImage

__all__ = ["image_in_srgb", "is_like_srgb", "pixels_in_srgb"]

# Levels of each channel to test: a profile that moves no colour beyond rounding is sRGB.
_PROBE = np.linspace(0, 255, 9, dtype=np.uint8)
_ROUNDING = 2


def pixels_in_srgb(pixels: NDArray[np.uint8], icc: bytes | None) -> NDArray[np.uint8]:
    """Convert pixels from the colour space of their ICC profile to sRGB.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
        Alpha, the last of 2 or 4 channels, stays as it is.
    icc : bytes or None
        The profile; None, or a profile of sRGB, leaves the pixels unchanged.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, C), uint8
        Grey pixels with a profile for RGB get two more channels.

    Warns
    -----
    KmcWarning
        If the profile is damaged or does not match the pixels, which then stay unchanged.
    """
    if not icc:
        return pixels
    try:
        transform, mode = _transform_of(icc)
        if _is_srgb(transform, mode):
            return pixels
        return _converted(pixels, transform, mode)
    except Exception as error:  # a damaged profile may raise anything; show the pixels anyway
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        warn(f"cannot use the colour profile, assuming sRGB ({reason})")
        return pixels


def image_in_srgb(image: IndexedImage) -> IndexedImage:
    """Convert the palette of an image with its own profile; see `pixels_in_srgb`."""
    (palette,) = pixels_in_srgb(image.palette[np.newaxis], image.metadata.icc)
    return IndexedImage(palette, image.indices, image.metadata)


def is_like_srgb(icc: bytes) -> bool:
    """Whether colours look the same without this profile; also true if it is unusable."""
    try:
        return _is_srgb(*_transform_of(icc))
    except ImportError:  # this Pillow cannot tell
        return False
    except Exception:  # a damaged profile may raise anything
        return True


def _transform_of(icc: bytes) -> tuple[Any, str]:
    """Return the transform to sRGB, and the Pillow mode of its input."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    space = profile.profile.xcolor_space.strip()
    mode = {"RGB": "RGB", "GRAY": "L"}.get(space)
    if mode is None:
        raise ValueError(f"the profile is for {space} colours")
    transform = ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        # With optimization, dark greys on a steep curve are up to 10 levels off.
        ImageCms.Flags.NOOPTIMIZE if mode == "L" else ImageCms.Flags.NONE,
    )
    return transform, mode


def _is_srgb(transform: Any, mode: str) -> bool:
    count = 1 if mode == "L" else 3
    probes = np.stack(np.meshgrid(*[_PROBE] * count), axis=-1).reshape(1, -1, count)
    shown = _applied(probes, transform).astype(int)
    return bool(np.abs(shown - probes).max() <= _ROUNDING)


def _converted(pixels: NDArray[np.uint8], transform: Any, mode: str) -> NDArray[np.uint8]:
    samples = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    channels = samples.shape[2]
    color = samples[..., : channels - (channels in (2, 4))]
    alpha = samples[..., color.shape[2] :]
    if mode == "L":
        if color.shape[2] == 3:
            raise ValueError("the profile is for grey, but the pixels are in colour")
        shown = _applied(color, transform)[..., :1]
    else:
        shown = _applied(np.broadcast_to(color, (*color.shape[:2], 3)), transform)
    made = np.concatenate([shown, alpha], axis=2)
    return made[..., 0] if pixels.ndim == 2 and made.shape[2] == 1 else made


def _applied(color: NDArray[np.uint8], transform: Any) -> NDArray[np.uint8]:
    """Convert samples of shape (H, W, 1) or (H, W, 3) to RGB, shape (H, W, 3)."""
    samples = color[..., 0] if color.shape[2] == 1 else color
    return np.asarray(transform.apply(Image.fromarray(np.ascontiguousarray(samples))))
