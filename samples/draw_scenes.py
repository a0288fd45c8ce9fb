"""Draw two sample landscapes: hills in mist, in grey, and a dusk scene in sixteen colours."""

import numpy as np
from draw_bird import mix, noise
from PIL import Image, ImageDraw


def pines(rng, skyline, height, count):
    """Return the mask of pointed trees, tier over tier, that stand on a skyline."""
    mask = Image.new("L", (640, 480))
    draw = ImageDraw.Draw(mask)
    for middle in rng.choice([110, 330, 560], count) + rng.normal(0, 75, count):
        foot = skyline[int(np.clip(middle, 0, 639))] + 6
        tall = height * rng.uniform(0.45, 1)
        steps = np.arange(1, 10)
        down = np.repeat(foot - tall * (1 - steps / 9), 2)
        out = tall * 0.19 * np.stack([steps / 9, steps / 9 * 0.62], 1).ravel()
        out *= rng.uniform(0.8, 1.15, out.size)
        right = [(middle, foot - tall), *zip(middle + out, down, strict=True)]
        left = [(middle - w, d + 1) for w, d in zip(out, down, strict=True)]
        draw.polygon(right + left[::-1], 255)
    return np.asarray(mask) / 255


def grey():
    """Return a grey scene: rows of hills in morning mist, pines on the nearest."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:480, 0:640].astype(float)
    glow = np.exp(-((x - 430) ** 2 + (y - 110) ** 2) / 9000)
    image = (160 + 50 * y / 480 + 80 * glow)[..., None]
    image += 12 * noise(rng, y.shape, (6, 2), 4)[..., None]
    mix(image, [255], np.clip(27 - np.hypot(x - 430, y - 110), 0, 1))
    for k in range(7):
        ridge = noise(rng, (3, 640), (1, 2), 6 if k < 4 else 4)[1]
        skyline = 165 + 40 * k + (14 + 4 * k) * ridge
        tone = 172 - 27 * k + (3 + k) * noise(rng, y.shape, (24, 16), 4)
        mist = 1 - np.exp(-(((y - skyline) / (66 - 3 * k)) ** 2))
        tone += mist * (66 - 8 * k) * (y > skyline)
        mask = np.clip(y - skyline, 0, 1)
        if k > 3:
            mask = np.maximum(mask, pines(rng, skyline, 26 * (k - 2), 22))
        mix(image, tone[..., None], mask)
    small = image[..., 0].reshape(240, 2, 320, 2).mean((1, 3)) + rng.normal(0, 2, (240, 320))
    return Image.fromarray(np.clip(np.rint(small), 0, 255).astype(np.uint8))


PIXEL_PALETTE = [
    (20, 18, 40), (44, 34, 76), (88, 48, 108), (152, 66, 112), (218, 98, 96), (246, 152, 92),
    (252, 208, 128), (255, 244, 204), (30, 62, 66), (46, 100, 72), (98, 150, 70), (78, 50, 44),
    (132, 88, 58), (236, 116, 40), (176, 190, 200), (255, 0, 255),
]  # fmt: skip  # the last one is used by no pixel
ROBIN = [
    "....bbbb...",
    "...bbbodo..",
    "...bboooodd",
    "..bbbooooo.",
    ".bkkbboooo.",
    "bkkkkbooow.",
    "kkkkkwwww..",
    "kk..wwww...",
    "k....k.k...",
]
ROBIN_KEY = {"b": 12, "o": 13, "d": 0, "k": 11, "w": 7}


def sprite(canvas, x0, y0, flip=False):
    """Set the little bird on the canvas, its upper left corner at x0, y0."""
    for dy, row in enumerate(ROBIN):
        for dx, key in enumerate(row[::-1] if flip else row):
            if key != ".":
                canvas[y0 + dy, x0 + dx] = ROBIN_KEY[key]


def house(canvas):
    """Set a small house with a lit window on the meadow."""
    canvas[42:51, 70:84] = 12
    canvas[43:51:2, 70:84] = 11
    for k in range(6):
        canvas[41 - k, 68 + k : 86 - k] = 3 if k % 2 else 2
    canvas[33:38, 80:82] = 14
    canvas[44:48, 73:76] = 6
    canvas[45:51, 79:82] = 0


def pixelart():
    """Return an indexed sprite scene: dusk, hills, a house, two birds on a fence."""
    y, x = np.mgrid[0:64, 0:96]
    bayer = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16
    sky = y / 44 * 6 + np.tile(bayer, (16, 24)) - 0.2
    canvas = np.clip(sky, 0, 6).astype(np.uint8)
    stars = np.random.default_rng(3).integers(0, [[12], [96]], (2, 14))
    canvas[stars[0], stars[1]] = 14
    canvas[np.hypot(x - 57, y - 27) < 8.3] = 7
    canvas[(canvas == 7) & np.isin(y, (28, 31, 33, 35))] = 6
    far = 36 - np.abs((x + 9) % 44 - 22) * 0.55 + np.abs((x + 3) % 11 - 5) * 0.4
    canvas[(y > far) & (y < 52)] = 2
    canvas[(y > far + 7 + (x + y) % 2 * 2) & (y < 52)] = 1
    meadow = 44 + 2.5 * np.sin(x / 11)
    for depth, colour in [(0, 10), (2, 9), (9, 8)]:
        canvas[y > meadow + depth + (x * 5 + y * 3) % 7 // 4] = colour
    house(canvas)
    canvas[54:56, :60], canvas[54, :60] = 11, 12
    for post in range(4, 60, 12):
        canvas[51:63, post : post + 3], canvas[51:63, post] = 11, 12
    sprite(canvas, 11, 42)
    sprite(canvas, 37, 42, flip=True)
    image = Image.fromarray(canvas).convert("P")
    image.putpalette(np.array(PIXEL_PALETTE, np.uint8).tobytes())
    return image
