"""Goals: a tolerance, a quality, a size; in the library, in Pillow and on the command line."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
from bisect import bisect_left

import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image

import kmcodec
from kmcodec.cli.types import ByteSize
from kmcodec.model.metrics import psnr, squared_error


def pixels_in(data):
    return kmcodec.decode(data)


def palette_in(data):
    return kmcodec.decode_indexed(data).palette


@pytest.fixture
def scene(rng):
    """Soft colours with grain and an edge, uint8, shape (96, 128, 3)."""
    y, x = np.mgrid[:96, :128]
    soft = np.stack([x + 40, y * 2, 200 - x], axis=-1) + 30 * (x > 80)[..., None]
    return np.clip(soft + rng.normal(0, 4, soft.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tolerance", [0.02, 0.1, 1])
@pytest.mark.parametrize("k", [2, 16, 64])
def test_a_tolerance_is_kept_and_makes_the_file_smaller(bird, k, tolerance):
    plain = kmcodec.encode(bird, k)
    chosen = kmcodec.encode(bird, k, rdo=tolerance)
    assert len(chosen) < len(plain)
    lost = psnr(bird, pixels_in(plain)) - psnr(bird, pixels_in(chosen))
    assert lost <= tolerance
    # Not far from what is allowed.
    assert lost > 0.5 * tolerance or k == 2
    assert len(palette_in(chosen)) <= k


def test_a_larger_tolerance_makes_a_smaller_file(bird):
    options = {"k": 64, "effort": "default"}
    sizes = [len(kmcodec.encode(bird, rdo=tolerance, **options)) for tolerance in (0, 0.1, 0.5, 2)]
    assert sizes[0] == len(kmcodec.encode(bird, **options))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] < 0.92 * sizes[0]


@pytest.mark.parametrize("goal", [30, 34.5])
def test_a_quality_is_reached_and_not_by_far_exceeded(bird, goal):
    data = kmcodec.encode(bird, psnr=goal)
    assert goal <= psnr(bird, pixels_in(data)) <= goal + 0.05

    def reached(k):
        return psnr(bird, kmcodec.quantize(bird, k).to_array()) >= goal

    # Smaller than with the nearest of as few entries as reach it.
    few = bisect_left(range(400), True, lo=8, key=reached)
    assert reached(few)
    assert not reached(few - 1)
    assert len(data) < len(kmcodec.encode(bird, few))


@pytest.mark.parametrize("most", [300, 3001, 9000])
def test_a_size_is_never_exceeded_and_made_use_of(bird, most):
    data = kmcodec.encode(bird, max_bytes=most, effort="default")
    assert 0.9 * most <= len(data) <= most
    # Better than the nearest of as many entries as fit.
    k = 256
    while len(kmcodec.encode(bird, k, effort="default")) > most:
        k = k * 7 // 8
    assert psnr(bird, pixels_in(data)) > psnr(bird, kmcodec.quantize(bird, k).to_array())


def test_a_size_that_everything_fits_in_gets_everything(scene):
    few = scene // 64 * 64
    data = kmcodec.encode(few, max_bytes=1_000_000)
    np.testing.assert_array_equal(pixels_in(data), few)


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ({"k": 4, "psnr": 60}, "60 dB cannot be reached with 4 colours"),
        ({"max_bytes": 30}, "30 bytes cannot be reached: one colour takes 43"),
    ],
)
def test_what_cannot_be_reached_is_said(scene, goal, words):
    with pytest.warns(kmcodec.KmcWarning, match=words):
        data = kmcodec.encode(scene, **goal)
    assert pixels_in(data).shape == scene.shape
    with pytest.raises(kmcodec.KmcGoalError, match=words):
        kmcodec.encode(scene, strict=True, **goal)


def test_a_ceiling_of_entries_holds(scene):
    data = kmcodec.encode(scene, 24, psnr=28)
    assert len(palette_in(data)) <= 24


def test_what_is_transparent_stays_so_and_what_is_opaque_too(scene, rng):
    y, x = np.mgrid[:96, :128]
    distance = np.hypot(x - 60, y - 48)
    alpha = np.clip(255 - 25 * (distance - 30), 0, 255).astype(np.uint8)
    image = np.dstack([scene, alpha])
    plain = pixels_in(kmcodec.encode(image, 24))
    for goal in ({"rdo": 1}, {"psnr": psnr(image, plain) - 1}):
        data = kmcodec.encode(image, 24, **goal)
        chosen = pixels_in(data)
        np.testing.assert_array_equal(chosen[alpha == 0, 3], 0)
        np.testing.assert_array_equal(chosen[distance < 28, 3], 255)
        assert len(data) < len(kmcodec.encode(image, 24))


def test_a_given_palette_stays_as_it_is(scene):
    palette = kmcodec.quantize(scene, 20).palette[::-1]
    for goal in ({"rdo": 0.3}, {"psnr": 20}, {"max_bytes": 700}):
        data = kmcodec.encode(scene, palette=palette, **goal)
        np.testing.assert_array_equal(palette_in(data), palette)
        assert len(data) < len(kmcodec.encode(scene, palette=palette))


def test_dithering_beforehand_is_not_undone(bird):
    options = {"k": 48, "dither": "blue-noise", "effort": "fast"}
    plain, chosen = kmcodec.encode(bird, **options), kmcodec.encode(bird, rdo=0.2, **options)
    assert len(chosen) < len(plain)
    # What was added is a fraction of what dithering had added already, and its means are kept.
    first, second = pixels_in(plain), pixels_in(chosen)
    added = squared_error(first, second)
    assert 0 < added <= (10 ** (0.2 / 10) - 1) * squared_error(bird, first)
    blocks = [i.reshape(16, 8, 16, 8, 3).mean(axis=(1, 3)) for i in (bird, first, second)]
    assert squared_error(blocks[0], blocks[2]) < 1.5 * squared_error(blocks[0], blocks[1])


@pytest.mark.parametrize("space", ["srgb", "oklab"])
def test_grey_and_spaces(scene, space):
    for image in (scene[..., 0], scene):
        plain = kmcodec.encode(image, 12, space=space)
        chosen = kmcodec.encode(image, 12, space=space, rdo=0.2)
        assert len(chosen) < len(plain)
        assert psnr(image, pixels_in(chosen)) >= psnr(image, pixels_in(plain)) - 0.2


def test_an_image_of_few_colours_changes_only_for_a_quality(scene):
    few = kmcodec.quantize(scene, 20)
    assert kmcodec.encode(few, rdo=5) == kmcodec.encode(few)
    data = kmcodec.encode(few, psnr=36)
    assert len(data) < len(kmcodec.encode(few))
    assert 36 <= psnr(few.to_array(), pixels_in(data)) < math.inf


def test_strips_are_chosen_alike_whatever_the_threads(scene):
    code = (
        "import sys, numpy as np, kmcodec\n"
        "image = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(96, 128, 3)\n"
        "for goal in ({'rdo': 0.3}, {'psnr': 27}, {'max_bytes': 1500}):\n"
        "    sys.stdout.buffer.write(kmcodec.encode(image, 32, strip_rows=20, **goal))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=scene.tobytes(),
            env=os.environ | {"KMC_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "3")
    }
    assert len(outputs) == 1


def test_metadata_travels(scene):
    image = Image.fromarray(scene)
    stream = io.BytesIO()
    image.save(stream, "KMC", rdo=0.1, exif=b"II*\0\x08\0\0\0\0\0", colors=16)
    assert kmcodec.decode_indexed(stream.getvalue()).metadata.exif
    assert len(stream.getvalue()) < len(kmcodec.encode(scene, 16))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rdo": -1}, "rdo is -1, must be a number from 0 to 20"),
        ({"psnr": 200}, "psnr is 200, must be a number from 0 to 100"),
        ({"max_bytes": 0}, "max_bytes is 0, must be an integer at least 1"),
        ({"psnr": 30, "max_bytes": 100}, "psnr and max_bytes exclude each other"),
        ({"rdo": 0.1, "coding": "deflate"}, "rdo needs coding='context'"),
    ],
)
def test_wrong_goals(scene, options, words):
    with pytest.raises(kmcodec.KmcInputError, match=words):
        kmcodec.encode(scene, 8, **options)


@pytest.mark.parametrize(
    ("text", "size"),
    [("900", 900), ("12k", 12_000), ("1.5M", 1_500_000), ("2Ki", 2048), ("7KB", 7000)],
)
def test_sizes_in_words(text, size):
    assert ByteSize().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "12q", "0", "1e3", "nan"])
def test_no_sizes(kmc, text):
    run = kmc("encode", SAMPLES / "icon.png", "--max-bytes", text, "-o", "x.kmc")
    assert run.returncode == 2
    assert run.stderr.count(b"\n") == 1


def test_rdo_takes_a_number_but_no_file_name(kmc, tmp_path):
    source = SAMPLES / "icon.png"
    for words in (
        [source, "--rdo"],
        ["--rdo", source],
        ["--rdo", "0.1", source],
        ["--rdo=0.1", source],
    ):
        run = kmc("encode", *words, "-k", "8", "-fo", "x.kmc")
        assert run.returncode == 0, run.stderr
        (tmp_path / f"{len(list(tmp_path.iterdir()))}.kmc").write_bytes(
            (tmp_path / "x.kmc").read_bytes()
        )
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_missed_goals_have_an_exit_code_of_their_own(kmc, tmp_path):
    source = SAMPLES / "icon.png"
    run = kmc("encode", source, "--psnr", "90", "-k", "4", "-o", "x.kmc")
    assert run.returncode == 3
    assert b"90 dB cannot be reached with 4 colours" in run.stderr.splitlines()[-1]
    assert kmcodec.read(tmp_path / "x.kmc").shape[:2] == (64, 64)
    run = kmc("encode", source, "--psnr", "90", "-k", "4", "-o", "y.kmc", "--strict")
    assert run.returncode == 3
    assert run.stderr.count(b"\n") == 1
    assert not (tmp_path / "y.kmc").exists()
    # A failure weighs more.
    run = kmc("encode", source, tmp_path / "none.png", "--psnr", "90", "-k", "4", "-o", "out")
    assert run.returncode == 1


def test_a_report_in_json_names_the_shortfall(kmc):
    run = kmc("encode", SAMPLES / "icon.png", "--max-bytes", "20", "-o", "x.kmc", "--json")
    assert run.returncode == 3
    assert b'"shortfall": "20 bytes cannot be reached' in run.stdout
