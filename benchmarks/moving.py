"""Animations to measure with, drawn here.

Each is a palette for all frames (K, 3), or one for each (N, K, 3), and indices (N, H, W).
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["KINDS", "PHOTOS"]

Drawn = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def chart() -> Drawn:
    """Two curves that move, over a grid; 30 frames."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 3), dpi=100)
    axes = figure.add_subplot(title="waves")
    axes.grid()
    x = np.linspace(0, 10, 200)
    sine, cosine = axes.plot(x, np.sin(x), x, np.cos(x))
    frames = []
    for step in range(30):
        sine.set_ydata(np.sin(x + step / 5))
        cosine.set_ydata(np.cos(x * (1 + step / 60)))
        stream = io.BytesIO()
        figure.savefig(stream)
        frames.append(Image.open(stream).convert("RGB"))
    return reduced(frames, 256)


def terminal() -> Drawn:
    """Lines of text that come, scroll and blink; 40 frames."""
    source = random.Random(1)
    text = "make test ok error warning file build src include lib gcc -O2 -c main.c passed"
    words = text.split(" ")
    shades = ((200, 200, 200), (90, 220, 90), (230, 200, 80), (230, 80, 80))
    lines: list[tuple[str, tuple[int, int, int]]] = []
    frames = []
    for step in range(40):
        if step % 2 == 0:
            text = " ".join(source.choice(words) for _ in range(source.randint(2, 9)))
            lines.append((text, source.choice(shades)))
        frame = Image.new("RGB", (400, 240), (20, 20, 30))
        draw = ImageDraw.Draw(frame)
        for row, (text, shade) in enumerate(lines[-16:]):
            draw.text((6, 4 + 14 * row), text, fill=shade)
        if step % 2:
            below = 4 + 14 * min(len(lines), 16)
            draw.rectangle((6, below, 12, below + 10), fill=(220, 220, 220))
        frames.append(frame)
    return reduced(frames, 64)


def sprites() -> Drawn:
    """Four sprites over tiles, 16 colours; 40 frames."""
    rng = np.random.default_rng(3)
    palette = rng.integers(0, 256, (16, 3)).astype(np.uint8)
    tiles = [np.kron(rng.integers(0, 3, (8, 8)), np.ones((2, 2), int)) for _ in range(4)]
    ground = np.vstack([np.hstack([tiles[t] for t in row]) for row in rng.integers(0, 4, (10, 14))])
    halves = [rng.integers(4, 16, (12, 6)) for _ in range(4)]
    figures = [np.hstack([half, half[:, ::-1]]) for half in halves]
    frames = []
    for step in range(40):
        frame = ground.copy()
        for number, figure in enumerate(figures):
            y = int(60 + 50 * np.sin(step / 6 + number))
            x = (step * (number + 1) * 2 + 40 * number) % (frame.shape[1] - 12)
            under = frame[y : y + 12, x : x + 12]
            frame[y : y + 12, x : x + 12] = np.where(figure > 4, figure, under)
        frames.append(frame)
    return palette, np.stack(frames).astype(np.uint8)


def pan() -> Drawn:
    """A photo panned and zoomed, dithered anew in each frame; 24 frames."""
    return reduced(panned(), 256, dithered=True)


def pan_by_frame() -> Drawn:
    """The same, each frame with a palette of its own."""
    return reduced_by_frame(panned(), 256, dithered=True)


def cuts_by_frame() -> Drawn:
    """Four photos, each zoomed for 6 frames; 256 colours of its own a frame, not dithered."""
    from skimage import data

    frames = []
    for photo in (data.chelsea(), data.coffee(), data.rocket(), data.astronaut()):
        image = Image.fromarray(photo).resize((300, 200), Image.Resampling.LANCZOS)
        for step in range(6):
            part = image.crop((5 * step, 3 * step, 300 - 5 * step, 200 - 4 * step))
            frames.append(part.resize((240, 160), Image.Resampling.LANCZOS))
    return reduced_by_frame(frames, 256)


def panned() -> list[Image.Image]:
    """A photo panned and zoomed, in full colour; 24 frames."""
    from skimage import data

    photo = Image.fromarray(data.chelsea())
    frames = []
    for step in range(24):
        zoom = 1 - step * 0.012
        x, y = 20 + 2 * step, 30 + step
        part = photo.crop((x, y, x + int(300 * zoom), y + int(200 * zoom)))
        frames.append(part.resize((240, 160), Image.Resampling.LANCZOS))
    return frames


def still() -> Drawn:
    """A ball that goes round before a dithered photo; 24 frames."""
    from skimage import data

    photo = Image.fromarray(data.coffee()).resize((300, 200))
    frames = []
    for step in range(24):
        frame = photo.copy()
        turn = step / 24 * 2 * np.pi
        x, y = int(150 + 100 * np.cos(turn)), int(100 + 60 * np.sin(turn))
        box = (x - 15, y - 15, x + 15, y + 15)
        ImageDraw.Draw(frame).ellipse(box, fill=(200, 40, 40), outline=(255, 255, 255))
        frames.append(frame)
    return reduced(frames, 128, dithered=True)


def video() -> Drawn:
    """A photo that shakes, with noise, not dithered; 20 frames."""
    return reduced(shaken(), 128)


def shaken() -> list[Image.Image]:
    """A photo that shakes, with noise, in full colour; 20 frames."""
    from skimage import data

    photo = np.asarray(Image.fromarray(data.rocket()).resize((320, 214))).astype(float)
    rng = np.random.default_rng(0)
    frames = []
    for step in range(20):
        noisy = (photo + rng.normal(0, 2, (214, 320, 1))).clip(0, 255).astype(np.uint8)
        moved = (1, 0, np.sin(step / 3) * 1.5, 0, 1, np.cos(step / 4))
        frame = Image.fromarray(noisy)
        frames.append(frame.transform(frame.size, Image.Transform.AFFINE, moved))
    return frames


def reduced(frames: Sequence[Image.Image], colors: int, *, dithered: bool = False) -> Drawn:
    """Give all frames one palette by median cut, which is Pillow's and favours nobody here."""
    width, height = frames[0].size
    sheet = Image.new("RGB", (width, height * len(frames)))
    for number, frame in enumerate(frames):
        sheet.paste(frame, (0, height * number))
    shared = sheet.quantize(colors, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    dither = Image.Dither.FLOYDSTEINBERG if dithered else Image.Dither.NONE
    indices = [np.asarray(frame.quantize(palette=shared, dither=dither)) for frame in frames]
    palette = np.array(shared.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return palette, np.stack(indices)


def reduced_by_frame(
    frames: Sequence[Image.Image], colors: int, *, dithered: bool = False
) -> Drawn:
    """Give each frame a palette of its own by median cut, as some writers of GIFs do."""
    drawn = [reduced([frame], colors, dithered=dithered) for frame in frames]
    palettes = np.zeros((len(frames), max(len(palette) for palette, _ in drawn), 3), np.uint8)
    for number, (palette, _) in enumerate(drawn):
        palettes[number, : len(palette)] = palette
    return palettes, np.concatenate([indices for _, indices in drawn])


KINDS: dict[str, Callable[[], Drawn]] = {
    draw.__name__: draw
    for draw in (chart, terminal, sprites, pan, still, video, pan_by_frame, cuts_by_frame)
}
"""What draws, by its name."""

PHOTOS: dict[str, Callable[[], list[Image.Image]]] = {"panned": panned, "shaken": shaken}
"""Frames in full colour, for palettes to be found for."""
