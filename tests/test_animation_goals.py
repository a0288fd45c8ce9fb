"""Goals for animations: a tolerance, a quality or a size of all frames together."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from PIL import Image

import kmcodec
from kmcodec.animation.encode_frames import optimize_frames, table_of
from kmcodec.animation.frame_palettes import quantize_frames
from kmcodec.model.metrics import psnr
from kmcodec.quantization import Placing, QuantizeRequest
from kmcodec.rate_distortion import FramesBuilder
from kmcodec.rate_distortion.source import Source
from kmcodec.request import EncodeRequest
from kmcodec.writing.assembly import Assembly

COUNT, HEIGHT, WIDTH = 5, 32, 40


@pytest.fixture
def frames(rng):
    """A soft picture with grain and a disc that moves, uint8, shape (5, 32, 40, 3)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    soft = np.stack([3 * x + 40, 5 * y, 200 - 3 * x], axis=-1)
    moving = []
    for number in range(COUNT):
        disc = np.hypot(x - 6 * number - 8, y - 16) < 6
        moving.append(np.where(disc[..., None], (200, 60, 60), soft) + rng.normal(0, 4, soft.shape))
    return np.clip(np.stack(moving), 0, 255).astype(np.uint8)


@pytest.fixture
def like_before(rng):
    """Noise that is mostly that of the frame before, uint8, shape (5, 32, 40, 3)."""
    noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3))
    made = []
    for _ in range(COUNT):
        noise = np.where(rng.random((HEIGHT, WIDTH, 1)) < 0.8, noise, rng.integers(0, 256, 3))
        made.append(np.clip(noise + rng.normal(0, 5, noise.shape), 0, 255))
    return np.stack(made).astype(np.uint8)


def quality(frames, data):
    """The PSNR of all frames together."""
    found = kmcodec.decode_frames(data).to_array()
    assert found.shape == frames.shape
    return psnr(np.hstack(list(frames)), np.hstack(list(found)))


@pytest.mark.parametrize("options", [{}, {"strip_rows": 12}, {"dither": "blue-noise"}])
@pytest.mark.parametrize("kind", ["frames", "like_before"])
def test_a_tolerance_is_kept_by_all_frames_together(request, kind, options):
    source = request.getfixturevalue(kind)
    plain = kmcodec.encode_frames(source, 16, effort="fast", **options)
    data = kmcodec.encode_frames(source, 16, effort="fast", rdo=0.3, **options)
    assert len(data) < len(plain)
    # With dithering, what is kept is the distance from the dithered frames.
    assert "dither" in options or 0 < quality(source, plain) - quality(source, data) <= 0.3


def test_a_quality_is_reached_by_all_frames_together(frames):
    data = kmcodec.encode_frames(frames, psnr=30, effort="fast")
    # On so small a picture, PSNR moves by tenths of a dB from one price to the next.
    assert 30 <= quality(frames, data) <= 30.3
    few = next(k for k in range(4, 90, 2) if nearest_quality(frames, k) >= 30)
    assert len(data) < len(kmcodec.encode_frames(frames, few, effort="fast"))


def nearest_quality(frames, k):
    return psnr(
        np.hstack(list(frames)), quantize_frames(list(frames), QuantizeRequest(k=k)).to_array()
    )


@pytest.mark.parametrize("most", [600, 2000])
def test_a_size_holds_for_the_whole_file_with_its_frame_table(frames, most):
    metadata = kmcodec.Metadata(text={"Title": "a disc"})
    options = {"durations": list(range(COUNT)), "loop": 3, "metadata": metadata}
    data = kmcodec.encode_frames(frames, max_bytes=most, effort="fast", **options)
    assert 0.9 * most <= len(data) <= most
    found = kmcodec.decode_frames(data)
    assert (found.durations, found.loop) == (tuple(range(COUNT)), 3)
    assert found.metadata == metadata


@pytest.mark.parametrize("kind", ["frames", "like_before"])
def test_indices_are_chosen_in_the_rows_that_the_file_has(request, kind):
    images = list(request.getfixturevalue(kind))
    palette = quantize_frames(images, QuantizeRequest(k=16)).palette
    sheet = quantize_frames(images, QuantizeRequest(palette=palette))
    builder = FramesBuilder(Assembly("context", "fast", 12), table_of(COUNT))
    source = Source(np.hstack(images), placing=Placing(), has_own_palette=False, builder=builder)
    base = source.base(sheet)
    assert base.line_width == (WIDTH if kind == "like_before" else COUNT * WIDTH)
    (trial,) = source.choose(base, [500])
    assert (trial.image.indices != sheet.indices).any()
    # Byte for byte what the file takes; in other rows it would be another number.
    assert trial.size + builder.overhead(trial.image) == len(builder.encode(trial.image))


def test_what_comes_of_a_goal_is_the_file_and_its_image(frames):
    request = EncodeRequest.of("test", 16, effort="fast", rdo=0.5)
    outcome = optimize_frames(list(frames), request, request.goal, table_of(COUNT, 40, 1))
    found = kmcodec.decode_frames(outcome.data)
    np.testing.assert_array_equal(np.hstack(list(found.indices)), outcome.image.indices)
    np.testing.assert_array_equal(found.palette, outcome.image.palette)


def test_palette_images_change_only_for_a_quality(frames):
    sheet = quantize_frames(list(frames), QuantizeRequest(k=20))
    parts = np.split(sheet.indices, COUNT, axis=1)
    images = [kmcodec.IndexedImage(sheet.palette, part) for part in parts]
    plain = kmcodec.encode_frames(images, effort="fast")
    assert kmcodec.encode_frames(images, rdo=5, effort="fast") == plain
    data = kmcodec.encode_frames(images, psnr=34, effort="fast")
    assert len(data) < len(plain)
    assert 34 <= quality(np.stack([image.to_array() for image in images]), data) < math.inf


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grey_and_transparent_frames(frames, channels):
    images = frames[..., 0]
    if channels > 1:
        alpha = np.where(images > 90, 255, 0).astype(np.uint8)
        images = np.stack([images] * (channels - 1) + [alpha], axis=-1)
    plain = kmcodec.encode_frames(images, 12, effort="fast")
    data = kmcodec.encode_frames(images, 12, effort="fast", rdo=0.3)
    assert len(data) < len(plain)
    assert quality(images, data) >= quality(images, plain) - 0.3


def test_a_given_palette_stays_as_it_is(frames):
    palette = quantize_frames(list(frames), QuantizeRequest(k=20)).palette[::-1]
    plain = kmcodec.encode_frames(frames, palette=palette, effort="fast")
    data = kmcodec.encode_frames(frames, palette=palette, effort="fast", max_bytes=len(plain) // 2)
    assert len(data) <= len(plain) // 2
    np.testing.assert_array_equal(kmcodec.decode_frames(data).palette, palette)


def test_what_cannot_be_reached_is_said(frames):
    words = "50 bytes cannot be reached: one colour takes 60"
    with pytest.warns(kmcodec.KmcWarning, match=words) as caught:
        data = kmcodec.encode_frames(frames, max_bytes=50)
    assert caught[0].filename == __file__
    assert len(kmcodec.decode_frames(data)) == COUNT
    with pytest.raises(kmcodec.KmcGoalError, match=words):
        kmcodec.encode_frames(frames, max_bytes=50, strict=True)
    with pytest.raises(kmcodec.KmcInputError, match="rdo and psnr exclude each other"):
        kmcodec.encode_frames(frames, rdo=0.1, psnr=30)


def test_pillow_hands_goals_on(frames):
    images = [Image.fromarray(frame) for frame in frames]
    stream = io.BytesIO()
    options = {"save_all": True, "append_images": images[1:], "colors": 16, "effort": "fast"}
    images[0].save(stream, "KMC", rdo=0.3, duration=30, **options)
    wanted = kmcodec.encode_frames(frames, 16, durations=30, effort="fast", rdo=0.3)
    assert stream.getvalue() == wanted
    with pytest.raises(kmcodec.KmcGoalError, match="50 bytes cannot be reached"):
        images[0].save(io.BytesIO(), "KMC", max_bytes=50, strict=True, **options)


@pytest.mark.parametrize("extension", ["gif", "png", "webp"])
def test_sources_of_several_frames_keep_them_all(kmc, tmp_path, frames, extension):
    images = [Image.fromarray(frame) for frame in frames]
    options = {"save_all": True, "append_images": images[1:], "duration": 50, "lossless": True}
    images[0].save(tmp_path / f"a.{extension}", **options)
    words = ["-k", "16", "--rdo", "0.3", "--effort", "fast", "--json"]
    run = kmc("encode", f"a.{extension}", *words)
    assert (run.returncode, run.stderr) == (0, b"")
    told = json.loads(run.stdout)
    data = (tmp_path / "a.kmc").read_bytes()
    assert (told["frames"], told["size"]) == (COUNT, len(data))
    assert len(data) < len(kmcodec.encode_frames(frames, 16, effort="fast"))
    if extension != "gif":
        assert told["psnr"] == pytest.approx(quality(frames, data), abs=1e-3)
    assert kmcodec.decode_frames(data).durations == (50,) * COUNT


def test_missed_goals_have_an_exit_code_of_their_own(kmc, tmp_path, frames):
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(tmp_path / "a.png", save_all=True, append_images=images[1:])
    run = kmc("encode", "a.png", "--max-bytes", "50", "-o", "a.kmc")
    assert run.returncode == 3
    assert b"a.png: 50 bytes cannot be reached: one colour takes 60" in run.stderr.splitlines()[-1]
    assert len(kmcodec.decode_frames((tmp_path / "a.kmc").read_bytes())) == COUNT
    run = kmc("encode", "a.png", "--max-bytes", "50", "-o", "b.kmc", "--strict")
    assert (run.returncode, run.stderr.count(b"\n")) == (3, 1)
    assert not (tmp_path / "b.kmc").exists()


def test_frames_that_take_fewer_bytes_as_they_are_stay_so(rng):
    palettes = rng.integers(0, 256, (4, 200, 3), np.uint8)
    images = [
        kmcodec.IndexedImage(palette, rng.integers(0, 200, (40, 50)).astype(np.uint8))
        for palette in palettes
    ]
    plain = kmcodec.encode_frames(images, effort="fast")
    assert len(kmcodec.inspect(plain).scenes) == 4
    assert kmcodec.encode_frames(images, effort="fast", rdo=0.1) == plain
