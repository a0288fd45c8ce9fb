"""GIF and animated PNG as a real browser decodes them, those of others and our own."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from animation_files import apng, drawn, frame, gif, seen
from browser import VIEWER, opened

from kmcodec.animation.value import Animation
from kmcodec.sources.animations import animation_in
from kmcodec.targets.animations import encode_animation

# Size and pixels of each frame, and how often they are shown again.
DECODE = """
const [data, type, done] = arguments;
(async () => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const decoder = new ImageDecoder({data: bytes, type});
  await decoder.tracks.ready;
  await decoder.completed;
  const {frameCount, repetitionCount} = decoder.tracks.selectedTrack;
  const frames = [];
  for (let frameIndex = 0; frameIndex < frameCount; frameIndex++) {
    const {image} = await decoder.decode({frameIndex});
    const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    frames.push([canvas.height, canvas.width, image.duration / 1000, [...pixels]]);
  }
  done([repetitionCount === Infinity ? 0 : repetitionCount + 1, frames]);
})().catch((error) => done(String(error)));
"""


@pytest.fixture(scope="module")
def decoded(tmp_path_factory):
    """A function that has the browser decode a file: pixels (N, H, W, 4), durations, loop."""
    with opened(tmp_path_factory.mktemp("browser")) as page:
        page.driver.get(VIEWER)

        def decode(data, kind):
            coded = base64.b64encode(data).decode()
            told = page.driver.execute_async_script(DECODE, coded, f"image/{kind}")
            assert not isinstance(told, str), told
            loop, frames = told
            pixels = [np.reshape(each[3], (each[0], each[1], 4)) for each in frames]
            return np.array(pixels, np.uint8), [each[2] for each in frames], loop

        yield decode


def assert_same(decoded, data, kind):
    pixels, durations, loop = decoded(data, kind)
    found = animation_in(data)
    np.testing.assert_array_equal(np.stack([seen(image) for image in found.images]), pixels)
    assert (list(found.durations), found.loop) == (durations, loop)


def letters(rng, shape):
    return np.array(list("KRGB"))[rng.integers(0, 4, shape)]


def test_gifs_of_every_disposal_size_and_place(decoded, rng):
    for number in range(30):
        height, width = rng.integers(1, 9, 2)
        frames = []
        for place in range(rng.integers(2, 6)):
            size = rng.integers(1, 9, 2) if place or number % 2 else (height, width)
            at = rng.integers(0, 6, 2) if place or number % 3 == 0 else (0, 0)
            options = {"clear": rng.choice(list("KRGB")), "table": "BGRK" * (number % 5 == 0)}
            if rng.integers(2):
                del options["clear"]
            disposal, delay = rng.integers(0, 5), rng.integers(0, 99)
            rows = letters(rng, size)
            frames.append(frame(rows, at, disposal=int(disposal), delay=int(delay), **options))
        loop = [None, 0, 1, 5][number % 4]
        assert_same(decoded, gif((int(width), int(height)), frames, loop=loop), "gif")


def test_pngs_of_every_disposal_and_blending(decoded, rng):
    dots = np.array([drawn(letter)[0, 0] for letter in "KRGB."])
    for number in range(20):
        height, width = rng.integers(2, 9, 2)
        frames = []
        for _ in range(rng.integers(1, 6)):
            size = rng.integers(1, height + 1), rng.integers(1, width + 1)
            at = rng.integers(0, width - size[1] + 1), rng.integers(0, height - size[0] + 1)
            how = int(rng.integers(3)), int(rng.integers(2))
            frames.append((dots[rng.integers(0, 5, size)], at, *how))
        picture = dots[rng.integers(0, 5, (height, width))]
        first = (int(rng.integers(3)), 0) if number % 4 or len(frames) < 2 else None
        assert_same(decoded, apng(picture, frames, loop=number % 3, first=first), "png")


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_what_we_write(decoded, rng, kind):
    for number in range(20):
        entries = [2, 4, 7, 255, 256][number % 5]
        palettes = rng.integers(0, 256, (1 if number % 2 else 4, entries, 4), np.uint8)
        palettes[..., 3] = 255
        palettes[:, rng.integers(entries)] = 0
        indices = np.repeat(rng.integers(0, entries, (1, 9, 7), np.uint8), 4, axis=0)
        for after in range(1, 4):
            top, left = rng.integers(0, 9), rng.integers(0, 7)
            indices[after:, top : top + 3, left : left + 4] = rng.integers(entries)
        moving = Animation(tuple(palettes), indices, (40, 0, 70, 10), number % 4)
        pixels, durations, loop = decoded(encode_animation(moving, f".{kind}"), kind)
        np.testing.assert_array_equal(pixels, [seen(moving[place]) for place in range(4)])
        assert (durations, loop) == ([40, 0, 70, 10], moving.loop)
