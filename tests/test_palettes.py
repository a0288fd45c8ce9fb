"""Spaces, dithering and given palettes, through the library, Pillow and the command line."""

from __future__ import annotations

import io

import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image

import kmcodec
from kmcodec.quantization import DITHERS

INK = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [255, 0, 0]], np.uint8)


@pytest.mark.parametrize("dither", ["none", *DITHERS])
def test_a_given_palette_is_kept_entry_by_entry(bird, dither):
    image = kmcodec.quantize(bird, palette=INK, dither=dither)
    np.testing.assert_array_equal(image.palette, INK)
    # Of equal entries the first is taken.
    assert not (image.indices == 3).any()


def test_a_given_palette_gets_the_nearest_entry(bird):
    image = kmcodec.quantize(bird, palette=INK)
    distances = ((bird[:, :, None].astype(int) - INK) ** 2).sum(axis=3)
    np.testing.assert_array_equal(image.indices, distances.argmin(axis=2))


def test_a_palette_in_colour_serves_a_grey_image_and_a_grey_one_a_colour_image(bird):
    grey = bird[:, :, 1]
    assert kmcodec.quantize(grey, palette=INK).channels == 3
    assert kmcodec.quantize(grey, palette=[[0], [128], [255]]).channels == 1
    assert kmcodec.quantize(bird, palette=[[0], [128], [255]]).channels == 3


def test_alpha_of_image_and_palette_meet():
    pixels = np.array([[[9, 9, 9, 0], [250, 0, 0, 255]]], np.uint8)
    clear = np.vstack([np.hstack([INK, np.full((4, 1), 255, np.uint8)]), [[0, 0, 0, 0]]])
    assert kmcodec.quantize(pixels, palette=clear).indices.tolist() == [[4, 2]]
    with pytest.warns(kmcodec.KmcWarning, match="no transparent entry"):
        assert kmcodec.quantize(pixels, palette=INK).channels == 4


def test_k_and_palette_exclude_each_other(bird):
    with pytest.raises(kmcodec.KmcInputError, match="exclude each other"):
        kmcodec.quantize(bird, 4, palette=INK)


@pytest.mark.parametrize("palette", [np.zeros((0, 3), np.uint8), [[300, 0, 0]], [[[1]]]])
def test_an_impossible_palette_is_told(bird, palette):
    with pytest.raises(kmcodec.KmcInputError, match="palette"):
        kmcodec.quantize(bird, palette=palette)


@pytest.mark.parametrize(
    "wrong", [{"space": "lab"}, {"dither": "bayer"}, {"dither_amount": 1.5}, {"search": 10}]
)
def test_wrong_options_are_told(bird, wrong):
    with pytest.raises(kmcodec.KmcInputError, match=next(iter(wrong))):
        kmcodec.quantize(bird, 4, **wrong)


def oklab(pixels):
    from kmcodec.quantization.oklab import to_oklab

    return to_oklab(pixels.reshape(-1, 3)).astype(float)


def test_oklab_is_nearer_in_oklab_and_srgb_in_srgb(bird):
    images = {s: kmcodec.quantize(bird, 16, space=s).to_array() for s in ("srgb", "oklab")}
    seen = {s: np.square(oklab(bird) - oklab(image)).sum() for s, image in images.items()}
    stored = {s: np.square(bird.astype(float) - image).sum() for s, image in images.items()}
    assert seen["oklab"] < seen["srgb"]
    assert stored["srgb"] < stored["oklab"]


@pytest.mark.parametrize("space", ["srgb", "oklab"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("dither", ["none", "floyd-steinberg"])
def test_transparent_stays_transparent_and_opaque_opaque(space, mode, dither):
    pixels = np.asarray(Image.open(SAMPLES / "icon.png").convert(mode))
    found = kmcodec.quantize(pixels, 7, space=space, dither=dither).to_array()
    assert found.shape == pixels.shape
    if mode in ("LA", "RGBA"):
        assert (found[pixels[..., -1] == 0] == 0).all()
        assert (found[pixels[..., -1] == 255][..., -1] == 255).all()


@pytest.mark.parametrize("k", [1, 2])
def test_images_of_one_kind_only(k):
    for pixel in ([7, 8, 9, 0], [7, 8, 9, 255], [7, 8, 9, 100]):
        pixels = np.full((3, 4, 4), pixel, np.uint8)
        np.testing.assert_array_equal(kmcodec.quantize(pixels, k).to_array(), pixels)


@pytest.mark.parametrize("dither", DITHERS)
def test_a_lossless_image_is_not_dithered(dither):
    with Image.open(SAMPLES / "pixelart.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    found = kmcodec.quantize(pixels, 16, dither=dither)
    np.testing.assert_array_equal(found.to_array(), pixels)


@pytest.mark.parametrize("dither", DITHERS)
def test_dithering_brings_the_mean_nearer(bird, dither):
    def drift(image):
        blocks = (image.to_array().astype(float) - bird).reshape(16, 8, 16, 8, 3).mean(axis=(1, 3))
        return np.abs(blocks).mean()

    assert drift(kmcodec.quantize(bird, 8, dither=dither)) < drift(kmcodec.quantize(bird, 8))


def test_pillow_hands_the_options_on(bird):
    stream = io.BytesIO()
    Image.fromarray(bird).save(
        stream, "KMC", colors=8, search=1, space="oklab", dither="floyd-steinberg", seed=2
    )
    expected = kmcodec.encode(bird, 8, search=1, space="oklab", dither="floyd-steinberg", seed=2)
    assert stream.getvalue() == expected


def test_the_command_line_takes_a_list_or_a_file(kmc, tmp_path):
    (tmp_path / "ink.hex").write_text("000000\nffffff\nff0000\n")
    bird = SAMPLES / "bird_small.mat"
    for palette in ("ink.hex", "#000000,#ffffff,#ff0000"):
        run = kmc("encode", bird, "--palette", palette, "-fo", "b.kmc", "--dither", "blue-noise")
        assert run.returncode == 0, run.stderr
        assert kmcodec.read(tmp_path / "b.kmc").palette.tolist() == INK[:3].tolist()
    run = kmc("encode", bird, "--palette", "b.kmc", "-o", "c.kmc")
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--palette", "none.gpl"), 1, "none.gpl: no such file"),
        (("--palette", "bad.hex"), 1, "bad.hex: line 1"),
        (("--palette", "#12"), 1, "#12"),
        (("--palette", "#fff", "-k", "2"), 2, "exclude each other"),
        (("--search", "10"), 2, "--search"),
        (("--dither-amount", "2"), 2, "--dither-amount"),
    ],
)
def test_a_wrong_palette_is_one_line(kmc, tmp_path, args, code, message):
    (tmp_path / "bad.hex").write_text("nonsense\n")
    run = kmc("encode", SAMPLES / "bird_small.mat", "-o", "x.kmc", *args)
    assert run.returncode == code
    assert message in run.stderr.decode()
    assert len(run.stderr.decode().splitlines()) == 1
    assert not (tmp_path / "x.kmc").exists()
