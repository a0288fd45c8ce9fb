"""Draw the bird of the sample ``bird_small.mat``: a robin on a branch, from shapes and noise.

It is drawn large, in layers from back to front (backdrop, tail, branch, body, some thousand
feathers, wing, face), then reduced, so that every edge comes out soft. No photograph goes in.
"""

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import splev, splprep
from scipy.ndimage import distance_transform_edt, gaussian_filter, zoom

SIDE = 1024  # the bird is drawn at this size and reduced eight times
UNIT = SIDE / 100  # its coordinates run from 0 to 100, x to the right and y down
BEAK = np.array([77.0, 31.0])


def noise(rng, shape, cells, octaves=4):
    """Return smooth fractal noise of the given shape, mean about 0, deviation 1."""
    total = np.zeros(shape)
    for k in range(octaves):
        coarse = rng.standard_normal(np.array(cells) * 2**k + 3)
        factors = (np.array(shape) + 1) / (np.array(coarse.shape) - 2)
        fine = zoom(coarse, factors, order=3, grid_mode=True, mode="nearest")
        total += fine[: shape[0], : shape[1]] * 0.55**k
    return (total - total.mean()) / total.std()


def mix(image, colour, mask):
    """Lay a colour (or an image) over an image, as far as the mask (0 to 1) goes."""
    image += (np.asarray(colour, float) - image) * mask[..., None]


def outline(points, closed=True):
    """Return a smooth curve through the points, in pixels, as a list of pairs."""
    pts = np.array(points, float)
    if closed:
        pts = np.vstack([pts, pts[:1]])
    spline, _ = splprep(pts.T, s=0, per=closed)
    return [tuple(p) for p in np.array(splev(np.linspace(0, 1, 300), spline)).T * UNIT]


def region(points, blur=0.0):
    """Return the mask of a smooth closed shape, its edge softened by a blur (in units)."""
    canvas = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(canvas).polygon(outline(points), fill=255)
    return gaussian_filter(np.asarray(canvas) / 255, blur * UNIT)


def grid():
    """Return the x and y coordinate of every pixel of the large canvas, in units."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / UNIT
    return x, y


def disc(x0, y0, radius, soft):
    """Return the mask of a disc with an edge as soft as is asked."""
    x, y = grid()
    return np.clip((radius - np.hypot(x - x0, y - y0)) / soft + 0.5, 0, 1)


def backdrop(rng):
    """Paint foliage far out of focus, with light discs where the sky shines through."""
    x, y = grid()
    image = np.zeros((SIDE, SIDE, 3))
    image += np.array([44, 88, 92])
    mix(image, [150, 196, 204], np.exp(-((x - 18) ** 2 + (y - 12) ** 2) / 1500))
    mix(image, [18, 46, 58], np.clip((x + y * 0.9 - 95) / 90, 0, 0.9))
    leaves = gaussian_filter(noise(rng, (SIDE, SIDE), (4, 4), 3), 3 * UNIT)
    away_from_sky = np.clip((x + y - 40) / 60, 0, 1)
    mix(image, [58, 112, 70], np.clip(leaves * 0.5 + 0.1, 0, 0.6))
    mix(image, [14, 40, 52], np.clip(-leaves * 0.5 - 0.1, 0, 0.6) * away_from_sky)
    for _ in range(34):
        x0, y0 = rng.uniform(-5, 105), rng.uniform(-5, 95)
        radius = rng.uniform(3, 8)
        colour = [(188, 222, 214), (150, 196, 130), (120, 186, 204)][rng.integers(3)]
        strength = rng.uniform(0.06, 0.26) * np.clip(1.5 - (x0 + y0) / 130, 0.2, 1)
        mix(image, colour, disc(x0, y0, radius, 1.6) * strength)
    for x0, y0, radius in [(88, 11, 6), (96, 21, 5.5), (82, 4, 4.5), (96, 6, 6)]:
        mix(image, [186, 36, 34], disc(x0, y0, radius, 4) * 0.85)
        mix(image, [236, 128, 104], disc(x0 - 1.5, y0 - 1.5, radius * 0.4, 4) * 0.5)
    return image


def relief(mask, radius):
    """Return the light that falls on a mask seen as a rounded body, lit from upper right."""
    depth = np.clip(distance_transform_edt(mask > 0.5) / (radius * UNIT), 0, 1)
    height = gaussian_filter(np.sqrt(1 - (1 - depth) ** 2), 1.2 * UNIT) * radius * UNIT
    dy, dx = np.gradient(height)
    length = np.sqrt(dx**2 + dy**2 + 1)
    return (-dx * 0.42 + dy * 0.62 + 0.66) / length, np.clip((dx * 0.8 + dy * 0.5) / length, 0, 1)


def quill(draw, root, angle, length, width, colour):
    """Draw one feather: a slim leaf from its root along an angle."""
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]]) * width / 2
    steps = [(0, 0.5), (0.35, 1), (0.75, 0.8), (1, 0.1)]
    left = [root + along * length * t + across * w for t, w in steps]
    right = [root + along * length * t - across * w for t, w in steps[::-1]]
    draw.polygon([tuple(p * UNIT) for p in left + right], fill=tuple(int(c) for c in colour))


def plumage(rng, image, coat, body):
    """Cover the body with some thousand small feathers, from the tail up to the beak."""
    canvas = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    roots = rng.uniform(0, 100, (42000, 2))
    roots = roots[body[tuple((roots[:, ::-1] * UNIT).astype(int).T)] > 0.9]
    roots = roots[np.argsort(-np.hypot(*(roots - BEAK).T))]
    for root in roots:
        away = root - BEAK
        angle = np.arctan2(away[1] + 9, away[0] - 6) + rng.normal(0, 0.16)
        size = np.clip(np.hypot(*away) / 45, 0.35, 1)
        px, py = (root * UNIT).astype(int)
        colour = np.clip(coat[py, px] * rng.normal(1, 0.12) + rng.normal(0, 4, 3), 0, 255)
        quill(draw, root, angle, rng.uniform(2.4, 4.2) * size, 0.9 * size, colour)
    return np.asarray(canvas, float)


BODY = [(76, 29), (72, 21), (63, 16), (53, 19), (45, 28), (35, 40), (25, 55), (16, 67), (22, 74),
        (34, 78), (48, 82), (62, 79), (73, 69), (79, 55), (78, 42), (76, 35)]  # fmt: skip
BIB = [(79, 28), (73, 20), (66, 20.5), (61, 26), (59, 34), (55, 43), (54, 54), (58, 61),
       (66, 66), (78, 64), (84, 52), (82, 38)]  # fmt: skip
WING = [(52, 42), (44, 40), (35, 46), (25, 59), (12, 77), (24, 74), (38, 69), (50, 60), (55, 50)]


def coat_of(rng, body):
    """Return the colours of the bird under its light, before feathers are drawn."""
    x, y = grid()
    coat = np.zeros((SIDE, SIDE, 3)) + np.array([128, 104, 72])
    mix(coat, [104, 82, 58], np.clip((y - 40) / 40, 0, 1))
    belly = [(58, 56), (50, 64), (38, 71), (24, 73), (30, 84), (60, 86), (80, 72), (82, 58)]
    mix(coat, [250, 236, 214], region(belly, 1.8))
    mix(coat, [196, 156, 104], region([(56, 54), (48, 64), (40, 70), (46, 73), (58, 66)], 2.2))
    grown = np.clip(region(BIB, 2.6) * 1.5, 0, 1)
    mix(coat, [150, 154, 150], grown * 0.7)
    ragged = region(BIB, 1.7) + 0.09 * noise(rng, (SIDE, SIDE), (22, 22), 3)
    bib = np.clip(ragged * 3 - 1, 0, 1)
    mix(coat, [222, 98, 28], bib)
    mix(coat, [248, 148, 62], np.exp(-((x - 73) ** 2 + (y - 47) ** 2) / 100) * bib * 0.9)
    mix(coat, [176, 66, 22], np.exp(-((x - 59) ** 2) / 30) * bib * 0.6)
    coat *= 1 + 0.06 * noise(rng, (SIDE, SIDE), (12, 12))[..., None]
    shade, rim = relief(body, 19)
    coat *= (0.36 + 0.92 * np.clip(shade, 0, 1.1))[..., None]
    coat += np.array([30, 28, 26]) * np.clip(1 - shade, 0, 1)[..., None]
    return coat + np.array([60, 44, 20]) * (rim**2)[..., None]


def wing_and_tail(image, part):
    """Draw the long feathers: of the tail (behind the branch), or of the folded wing."""
    canvas = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    rows = {
        "tail": [((22, 66), (27, 71), (3, 90), (12, 95), 7, 3.6, (92, 68, 46))],
        "wing": [
            ((36, 50), (46, 62), (9, 78), (22, 74), 8, 3.4, (84, 66, 48)),
            ((40, 44), (53, 54), (24, 62), (38, 68), 8, 4.4, (112, 88, 60)),
            ((43, 41), (55, 47), (33, 53), (48, 61), 8, 4.4, (132, 106, 74)),
        ],
    }
    for start, stop, tip0, tip1, count, width, colour in rows[part]:
        for t in np.linspace(1, 0, count):
            root = np.array(start) * (1 - t) + np.array(stop) * t
            tip = np.array(tip0) * (1 - t) + np.array(tip1) * t
            away = tip - root
            angle, length = np.arctan2(away[1], away[0]), np.hypot(*away)
            light = 1.12 - 0.42 * t
            for grow, tone in [(1.0, 0.55), (0.84, 1.0), (0.5, 1.14)]:
                shift = root + np.array([0.25, -0.35]) * (1 - grow) * 2
                tint = np.clip(np.array(colour) * tone * light, 0, 255)
                quill(draw, shift, angle, length * (0.94 + 0.06 * grow), width * grow, tint)
            far = tuple((root + away * 0.96) * UNIT)
            edge = tuple(int(c * light) for c in (188, 150, 100))
            draw.line([tuple((root + away * 0.55 + [0, -width * 0.3]) * UNIT), far], edge, 3)
    return np.asarray(canvas, float)


def face(image):
    """Set the beak and the eye."""
    for points, colour in [
        ([(74, 33), (79, 33.8), (84, 34.4), (79, 35.7), (75, 36)], (52, 44, 42)),
        ([(74.5, 29.9), (79, 30.6), (83, 32.4), (86, 34.8), (81, 34.2), (75, 33.6)], (72, 62, 60)),
    ]:
        mix(image, colour, region(points, 0.2))
    shine = region([(75.5, 30.6), (79, 31.1), (82.5, 32.8), (79, 32)], 0.4)
    mix(image, [176, 168, 164], shine * 0.8)
    mix(image, [120, 56, 20], disc(66.5, 28, 4.0, 1.6) * 0.8)
    mix(image, [22, 14, 12], disc(66.5, 28, 3.15, 0.6))
    mix(image, [98, 58, 34], disc(66.2, 29.4, 2.0, 2.0) * 0.6)
    mix(image, [12, 8, 8], disc(66.6, 27.8, 1.8, 0.8))
    mix(image, [250, 252, 255], disc(67.5, 26.6, 0.85, 0.5))


def branch(rng, image):
    """Lay a branch with bark, moss and the bird's shadow across the foot of the picture."""
    x, y = grid()
    middle = 92 - 0.07 * x + 1.2 * np.sin(x / 13) + 0.5 * np.sin(x / 4.1)
    half = 5.6 - 0.018 * x + 0.35 * noise(rng, (SIDE, SIDE), (1, 16))
    across = (y - middle) / half
    inside = gaussian_filter((np.abs(across) < 1).astype(float), 0.15 * UNIT)
    bark = noise(rng, (SIDE, SIDE), (44, 7), 4) + 0.6 * noise(rng, (SIDE, SIDE), (20, 20), 4)
    light = np.clip(0.72 - 0.62 * across - 0.2 * across**2, 0.12, 1.3) * (1 + 0.2 * bark)
    light *= 1 - 0.55 * np.exp(-(((x - 47) / 17) ** 2))
    wood = np.array([150, 118, 92]) * light[..., None] + np.array([10, 16, 20])
    moss = np.clip(noise(rng, (SIDE, SIDE), (6, 14), 5) - 0.4 - across * 0.9, 0, 1)
    mix(wood, np.array([104, 124, 62]) * (light[..., None] + 0.1), moss * 0.75)
    mix(image, wood, inside)


def legs(image):
    """Draw both legs and the toes that hold the branch."""
    canvas = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for x0, foot in [(47, 49), (57, 60)]:
        for colour, shift, width in [((46, 28, 22), 0.25, 15), ((136, 86, 62), -0.15, 8)]:
            lines = [[(x0, 80), (foot, 86)]]
            for toe in (-3, 1.4, 4):
                lines.append([(foot, 85.6), (foot + toe, 86.6), (foot + toe * 1.4, 88.6)])
            for line in lines:
                points = [((px + shift) * UNIT, (py + shift) * UNIT) for px, py in line]
                draw.line(points, colour, width, joint="curve")
    return np.asarray(canvas, float)


def bird():
    """Return the 128 x 128 x 3 picture of a robin on a branch."""
    rng = np.random.default_rng(16)
    image = backdrop(rng)
    body = region(BODY)
    coat = coat_of(rng, body)
    image = wing_and_tail(image, "tail")
    branch(rng, image)
    mix(image, coat, region(BODY, 0.4))
    image = legs(image)
    image = plumage(rng, image, coat, body)
    shadow = np.roll(region(WING, 1.6), int(1.6 * UNIT), 0) * body
    mix(image, [40, 30, 26], shadow * 0.45)
    image = wing_and_tail(image, "wing")
    face(image)
    x, y = grid()
    image *= (1.06 - 0.32 * (np.hypot(x - 52, y - 46) / 70) ** 2)[..., None]
    small = image.reshape(128, 8, 128, 8, 3).mean((1, 3))
    small += rng.normal(0, 2.2, (128, 128, 1)) + rng.normal(0, 1.3, (128, 128, 3))
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)
