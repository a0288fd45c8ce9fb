"""Draw the samples that look like software: a screenshot and an app icon."""

import numpy as np
from draw_bird import outline
from PIL import Image, ImageDraw, ImageFilter, ImageFont

INK, SOFT, BLUE, PAPER = (34, 40, 52), (104, 112, 126), (38, 110, 196), (252, 252, 253)
CODE = {"k": (214, 120, 190), "s": (152, 200, 110), "f": (104, 178, 240), "n": (232, 160, 96)}
PLAIN, FAINT = (214, 220, 228), (118, 130, 146)


def shape(image, box, colour, radius=0.0, edge=None):
    """Draw a rounded box with smooth edges, and a one-pixel edge if a colour is given for it."""
    if edge:
        shape(image, box, edge, radius)
        x0, y0, x1, y1 = box
        box, radius = (x0 + 1, y0 + 1, x1 - 1, y1 - 1), max(radius - 1, 0)
    width, height = box[2] - box[0], box[3] - box[1]
    mask = Image.new("L", (width * 4, height * 4))
    whole = (0, 0, width * 4 - 1, height * 4 - 1)
    ImageDraw.Draw(mask).rounded_rectangle(whole, radius * 4, fill=255)
    image.paste(colour, tuple(box), mask.resize((width, height), Image.Resampling.BOX))


def text(image, place, string, size, colour, anchor="ls"):
    """Write a line of text and return the x where it ends."""
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    draw.text(place, string, colour, font, anchor)
    return place[0] + draw.textlength(string, font)


def slope(size, top, bottom):
    """Return an image that goes smoothly from one colour down to another."""
    t = np.linspace(0, 1, size[1])[:, None, None]
    rows = np.array(top) * (1 - t) + np.array(bottom) * t
    return Image.fromarray(np.rint(rows.repeat(size[0], 1)).astype(np.uint8))


def window(image):
    """Draw the desktop's window: shadow, title bar, sidebar."""
    shadow = Image.new("L", image.size)
    ImageDraw.Draw(shadow).rounded_rectangle((22, 24, 618, 388), 10, fill=110)
    image.paste((16, 30, 52), (0, 0), shadow.filter(ImageFilter.GaussianBlur(5)))
    shape(image, (20, 16, 620, 382), PAPER, 9, (150, 158, 170))
    shape(image, (21, 17, 619, 60), (236, 238, 242), 8)
    image.paste(slope((598, 22), (236, 238, 242), (216, 220, 226)), (21, 26))
    shape(image, (21, 48, 619, 62), PAPER)
    shape(image, (21, 48, 619, 49), (188, 194, 204))
    for x, colour in [(34, (236, 106, 94)), (52, (244, 190, 80)), (70, (98, 196, 86))]:
        shape(image, (x, 27, x + 12, 39), colour, 6)
    text(image, (320, 33), "Palette Studio - robin.kmc", 13, INK, "mm")
    shape(image, (21, 49, 150, 374), (240, 243, 247))
    shape(image, (21, 360, 150, 381), (240, 243, 247), 8)
    shape(image, (150, 49, 151, 381), (214, 219, 227))


def sidebar(image):
    """Write the contents list, one entry of it selected."""
    text(image, (34, 74), "CONTENTS", 10, (140, 148, 160))
    entries = ["Welcome", "First steps", "Palettes", "Index maps", "Dithering", "Questions"]
    for k, entry in enumerate(entries):
        y = 84 + 26 * k
        if k == 2:
            shape(image, (28, y, 144, y + 22), BLUE, 6)
        text(image, (50, y + 15), entry, 12, PAPER if k == 2 else INK)
        dot = PAPER if k == 2 else [(232, 122, 46), (70, 160, 150), (122, 178, 222)][k % 3]
        shape(image, (35, y + 7, 43, y + 15), dot, 2)
    text(image, (34, 262), "SWATCHES", 10, (140, 148, 160))
    for k in range(16):
        x, y = 34 + 26 * (k % 4), 272 + 22 * (k // 4)
        warm, light = k % 4 / 3, k // 4 / 3
        colour = tuple(int(v) for v in (40 + 190 * warm, 70 + 110 * light, 200 - 150 * warm))
        shape(image, (x, y, x + 22, y + 18), colour, 4)


def listing(image):
    """Write the block of coloured code."""
    shape(image, (168, 158, 404, 302), (30, 36, 48), 7)
    lines = [
        [("# sixteen colours are enough", "c")],
        [("from ", "k"), ("studio ", ""), ("import ", "k"), ("Palette", "")],
        [],
        [("def ", "k"), ("reduce", "f"), ("(image, colours=", ""), ("16", "n"), ("):", "")],
        [("    palette = Palette.", ""), ("fit", "f"), ("(image)", "")],
        [("    for ", "k"), ("step ", ""), ("in ", "k"), ("range(", ""), ("8", "n"), ("):", "")],
        [("        palette.", ""), ("refine", "f"), ("(image)", "")],
        [("    return ", "k"), ("palette.save(", ""), ('"robin"', "s"), (")", "")],
    ]
    for k, line in enumerate(lines):
        y = 177 + 16 * k
        text(image, (188, y), str(k + 1), 10, FAINT, "rs")
        x = 198
        for string, kind in line:
            x = text(image, (x, y), string, 11, CODE.get(kind, FAINT if kind == "c" else PLAIN))


def chart(image):
    """Draw a small chart: bars of the error over the number of colours, and a line."""
    shape(image, (416, 158, 604, 302), PAPER, 7, (214, 219, 227))
    text(image, (428, 176), "Error by palette size", 11, INK)
    for y in (194, 216, 238, 260):
        shape(image, (430, y, 594, y + 1), (230, 233, 238))
    shape(image, (430, 281, 594, 282), (150, 158, 170))
    points = []
    for k, height in enumerate([80, 57, 39, 27, 18, 11]):
        x = 436 + 27 * k
        colour = (232, 122, 46) if k == 3 else (122, 178, 222)
        shape(image, (x, 281 - height, x + 16, 281), colour, 2)
        text(image, (x + 8, 294), str(2 ** (k + 1)), 10, SOFT, "ms")
        points.append(((x + 8) * 4, (272 - height) * 4))
    mask = Image.new("L", (image.width * 4, image.height * 4))
    ImageDraw.Draw(mask).line(points, 255, 6, joint="curve")
    image.paste((46, 132, 120), (0, 0), mask.resize(image.size, Image.Resampling.BOX))


def screenshot():
    """Return the picture of a window with text, code, a chart and buttons."""
    image = slope((640, 400), (74, 124, 170), (36, 70, 112))
    window(image)
    sidebar(image)
    text(image, (168, 86), "Palettes", 26, INK)
    prose = [
        "A palette is a short list of colours; an index map says, for every pixel,",
        "which of them to use. Fewer colours make a smaller file, and a poster look.",
    ]
    for k, line in enumerate(prose):
        text(image, (168, 109 + 17 * k), line, 12, SOFT)
    text(image, (168, 150), "Try it", 15, BLUE)
    listing(image)
    chart(image)
    for box, label, fill, ink in [
        ((168, 318, 258, 344), "Reduce", BLUE, PAPER),
        ((268, 318, 358, 344), "Compare", (244, 246, 249), INK),
        ((368, 318, 438, 344), "Undo", (244, 246, 249), (166, 172, 182)),
    ]:
        shape(image, box, fill, 6, (28, 88, 164) if fill == BLUE else (192, 198, 208))
        text(image, ((box[0] + box[2]) / 2, 331), label, 12, ink, "mm")
    shape(image, (460, 328, 604, 334), (226, 230, 236), 3)
    shape(image, (460, 328, 556, 334), (70, 160, 150), 3)
    text(image, (168, 367), "128 x 128 pixels, 16 colours, 2 kB", 11, (140, 148, 160))
    return image


def layer(draw_on, blur=0):
    """Return a large transparent layer with something drawn on it."""
    image = Image.new("RGBA", (512, 512))
    draw_on(ImageDraw.Draw(image))
    return image.filter(ImageFilter.GaussianBlur(blur)) if blur else image


def icon_bird(draw):
    """Draw the bird in flat colours, over four swatches of its palette."""
    draw.polygon([(150, 270), (72, 330), (98, 356), (200, 320)], (84, 62, 48))
    draw.polygon([(392, 150), (440, 172), (388, 190)], (58, 50, 52))
    draw.ellipse((132, 148, 380, 356), (138, 106, 76))
    draw.ellipse((246, 84, 404, 242), (138, 106, 76))
    draw.chord((150, 148, 392, 358), 20, 160, (244, 230, 208))
    draw.ellipse((278, 116, 404, 320), (236, 116, 40))
    wing = [(48, 39), (38, 36), (29, 43), (23, 53), (15, 65), (30, 68), (44, 63), (51, 51)]
    draw.polygon([(x / 2, y / 2) for x, y in outline(wing)], (84, 62, 48))
    draw.ellipse((330, 132, 362, 164), (28, 22, 24))
    draw.ellipse((346, 138, 356, 148), (255, 255, 255))
    for k, colour in enumerate([(236, 116, 40), (244, 230, 208), (138, 106, 76), (84, 62, 48)]):
        draw.rounded_rectangle((80 + 92 * k, 380, 156 + 92 * k, 432), 14, colour)


def icon():
    """Return the app icon: a bird and its palette on a rounded tile with a soft shadow."""
    tile = (40, 28, 472, 460)
    image = layer(lambda d: d.rounded_rectangle((44, 48, 468, 480), 92, (10, 30, 40, 150)), 12)
    mask = Image.new("L", (512, 512))
    ImageDraw.Draw(mask).rounded_rectangle(tile, 92, fill=255)
    image.paste(slope((512, 512), (112, 190, 190), (34, 104, 120)).convert("RGBA"), (0, 0), mask)
    image.alpha_composite(layer(icon_bird))
    large = np.asarray(image, float).reshape(64, 8, 64, 8, 4)
    alpha = large[..., 3:].mean((1, 3))
    colour = (large[..., :3] * large[..., 3:]).mean((1, 3)) / np.maximum(alpha, 1e-9)
    clear = np.rint(alpha) == 0
    pixels = np.concatenate([np.where(clear, 0, colour), alpha], -1)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
