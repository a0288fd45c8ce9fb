"""Pictures with alpha that `alpha.py` compares quantisers on, drawn from seeds."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

__all__ = ["KINDS", "drawn"]

_LARGER = 4  # drawn so many times as large and reduced, so that edges are antialiased


def _canvas(side: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGBA", (side * _LARGER, side * _LARGER))
    return image, ImageDraw.Draw(image)


def _reduced(image: Image.Image) -> np.ndarray:
    """Reduced with premultiplied alpha."""
    side = image.width // _LARGER
    small = image.convert("RGBa").resize((side, side), Image.Resampling.BOX)
    return np.array(small.convert("RGBA"))


def _color(rng: np.random.Generator) -> tuple[int, ...]:
    return (*rng.integers(0, 256, 3).tolist(), 255)


def icon(rng: np.random.Generator, side: int = 64) -> np.ndarray:
    """Two to five flat shapes over one another, antialiased, on what is clear."""
    image, draw = _canvas(side)
    full = side * _LARGER
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.integers(0, full * 3 // 5, 2).tolist()
        w, h = rng.integers(full // 5, full * 3 // 5, 2).tolist()
        shape = (draw.ellipse, draw.rectangle, draw.pieslice)[int(rng.integers(3))]
        box = (x, y, min(x + w, full - 8), min(y + h, full - 8))
        angles = {"start": 20, "end": 300} if shape == draw.pieslice else {}
        shape(box, fill=_color(rng), **angles)
    return _reduced(image)


def gradient_icon(rng: np.random.Generator) -> np.ndarray:
    """An icon under light from above."""
    pixels = icon(rng)
    shade = np.linspace(1.0, 0.55, len(pixels))[:, np.newaxis, np.newaxis]
    pixels[..., :3] = (pixels[..., :3] * shade + 0.5).astype(np.uint8)
    return pixels


def logo(rng: np.random.Generator) -> np.ndarray:
    """A ring with a word of bars in it."""
    image, draw = _canvas(128)
    full = image.width
    draw.ellipse((20, 20, full - 20, full - 20), fill=_color(rng))
    draw.ellipse((80, 80, full - 80, full - 80), fill=_color(rng))
    bar = _color(rng)
    for x in range(full // 4, full * 3 // 4, 40):
        top = int(rng.integers(full // 3, full // 2))
        draw.rectangle((x, top, x + 18, full * 2 // 3), fill=bar)
    return _reduced(image)


def _over(under: np.ndarray, over: np.ndarray) -> np.ndarray:
    images = (Image.fromarray(pixels, "RGBA") for pixels in (under, over))
    return np.array(Image.alpha_composite(*images))


def _blurred(alpha: np.ndarray, radius: float) -> np.ndarray:
    return np.array(Image.fromarray(alpha).filter(ImageFilter.GaussianBlur(radius)))


def halo(rng: np.random.Generator) -> np.ndarray:
    """An icon that glows in a colour."""
    pixels = np.pad(icon(rng), ((12, 12), (12, 12), (0, 0)))
    glow = np.zeros_like(pixels)
    glow[:] = _color(rng)
    glow[..., 3] = _blurred(pixels[..., 3], 5)
    return _over(glow, pixels)


def shadow(rng: np.random.Generator) -> np.ndarray:
    """An icon with a soft black shadow below it."""
    pixels = np.pad(icon(rng), ((10, 16), (10, 16), (0, 0)))
    cast = np.zeros_like(pixels)
    cast[5:, 5:, 3] = _blurred(pixels[..., 3], 4)[:-5, :-5] * 0.6
    return _over(cast, pixels)


def portrait(rng: np.random.Generator) -> np.ndarray:
    """A shaded face before nothing: continuous tones, cut out with a soft edge."""
    side = 160
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    coarse = (rng.random((12, 12, 3)) * 255).astype(np.uint8)
    texture = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
    skin = np.array([224.0, 172, 140]) * (0.75 - 0.3 * x + 0.1 * y)[..., np.newaxis]
    mixed = 0.8 * skin + 0.2 * np.asarray(texture) + rng.normal(0, 3, (side, side, 1))
    mixed[(x * 2) ** 2 + ((y + 0.8) * 1.6) ** 2 < 0.9] = (58, 38, 30)
    mixed += 25 * np.sin(9 * x + 4 * y * y)[..., np.newaxis]
    inside = 1 - np.hypot(x / 0.7, y / 0.9)
    alpha = np.clip(inside * 8 + 0.5, 0, 1) * 255
    return np.dstack([np.clip(mixed, 0, 255), alpha]).round().astype(np.uint8)


def heat_map(rng: np.random.Generator) -> np.ndarray:
    """A translucent ramp of heat over a map, and an opaque red dot."""
    side = 160
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    level = np.exp(-6 * ((x - rng.random()) ** 2 + (y - rng.random()) ** 2))
    colors = np.dstack([255 * level, 160 * (1 - level), 255 * (1 - level), 30 + 190 * level])
    pixels = colors.round().astype(np.uint8)
    place = rng.integers(30, side - 30, 2)
    dot = np.hypot(*(np.mgrid[0:side, 0:side] - place[:, np.newaxis, np.newaxis])) < 6
    pixels[dot] = (230, 10, 20, 255)
    return pixels


KINDS = {
    "icons": icon,
    "gradient icons": gradient_icon,
    "logos": logo,
    "halos": halo,
    "shadows": shadow,
    "portraits": portrait,
    "heat maps": heat_map,
}
"""The kinds, each a function from a generator of random numbers to pixels, (H, W, 4), uint8."""


def drawn(kind: str, count: int, seed: int = 0) -> list[np.ndarray]:
    """So many pictures of a kind, the same ones each time, from this seed on."""
    return [KINDS[kind](np.random.default_rng(seed + i)) for i in range(count)]
