"""Large image files row by row: the same files as from whole images."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import kmcodec
from kmcodec.batch.decoding import decode_file
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.sources.rows import open_rows

# The twin of the kernel says that it is slow.
pytestmark = pytest.mark.filterwarnings("ignore:no compiled kernels")

try:
    import pyvips
except ImportError:
    pyvips = None

needs_vips = pytest.mark.skipif(pyvips is None, reason="pyvips is not there")


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 9, (60, 40, 3), dtype=np.uint8) * 28


def reports(path, tmp_path, **options):
    """Encode a file by rows and as a whole; the reports of both, and their data."""
    made = []
    for large in (0, 1 << 30):
        target = tmp_path / f"{large}.kmc"
        job = Job(str(path), str(target), True)
        report = encode_file(job, 16, coding="deflate", strip_rows=16, large=large, **options)
        made.append((report, target.read_bytes()))
    return made


def assert_same(made):
    (by_rows, one), (whole, other) = made
    assert one == other
    by_rows, whole = by_rows.to_dict(), whole.to_dict()
    for name in ("seconds", "output"):
        del by_rows[name], whole[name]
    assert by_rows == whole


@pytest.mark.parametrize("dtype", ["u1", "?", "<i4", ">f8"])
@pytest.mark.parametrize("dither", ["none", "floyd-steinberg"])
def test_npy(tmp_path, pixels, dtype, dither):
    path = tmp_path / "image.npy"
    np.save(path, (pixels / 255 if dtype == ">f8" else pixels).astype(dtype))
    assert open_rows(str(path), 0) is not None
    assert open_rows(str(path), 60 * 40) is None
    assert_same(reports(path, tmp_path, dither=dither))


def test_npy_grey_and_by_columns(tmp_path, pixels):
    path = tmp_path / "image.npy"
    np.save(path, pixels[..., 0])
    assert_same(reports(path, tmp_path))
    # Columns first: rows are all over the file, so that it is read as a whole.
    np.save(path, np.asfortranarray(pixels))
    assert open_rows(str(path), 0) is None
    assert_same(reports(path, tmp_path))


def test_damaged_npy(tmp_path, pixels):
    path = tmp_path / "image.npy"
    np.save(path, pixels)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(kmcodec.KmcInputError, match=r"image\.npy: damaged or truncated \.npy"):
        encode_file(Job(str(path), "-", True), coding="packed", large=0)


def test_samples_out_of_range_name_file_and_row(tmp_path):
    path = tmp_path / "image.npy"
    samples = np.zeros((60, 40, 3), np.int16)
    samples[-1, -1] = -1
    np.save(path, samples)
    with pytest.raises(kmcodec.KmcInputError, match=r"image\.npy: from row 0: pixels of dtype int"):
        encode_file(Job(str(path), str(tmp_path / "a.kmc"), True), coding="packed", large=0)
    assert not (tmp_path / "a.kmc").exists()


@needs_vips
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("extension", ["png", "tiff"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_png_and_tiff(tmp_path, pixels, rng, mode, extension):
    channels = len(mode)
    samples = np.concatenate([pixels, rng.choice([0, 80, 255], (60, 40, 1))], axis=2)
    samples = samples[..., -channels:].astype(np.uint8)
    image = Image.fromarray(samples[..., 0] if channels == 1 else samples)
    path = tmp_path / f"image.{extension}"
    options = {"icc_profile": b"profile" * 40, "exif": Image.Exif().tobytes()}
    if extension == "png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("Title", "by rows")
    else:
        options["compression"] = "tiff_deflate"
    image.save(path, **options)
    assert open_rows(str(path), 0) is not None
    made = reports(path, tmp_path)
    assert_same(made)
    assert kmcodec.decode_indexed(made[0][1]).metadata.icc == b"profile" * 40


@needs_vips
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_pillow_would_change_is_read_as_a_whole(tmp_path, pixels):
    turned, wide = Image.Exif(), Image.fromarray(pixels)
    turned[0x0112] = 6
    path = str(tmp_path / "image.png")
    wide.save(path, exif=turned)
    assert open_rows(path, 0) is None
    wide.quantize(8).save(path)
    assert open_rows(path, 0) is None
    wide.save(path, transparency=(0, 0, 0))
    assert open_rows(path, 0) is None
    wide.save(str(tmp_path / "image.tiff"), compression="jpeg")
    assert open_rows(str(tmp_path / "image.tiff"), 0) is None


@needs_vips
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_damaged_png(tmp_path, rng):
    path = tmp_path / "image.png"
    Image.fromarray(rng.integers(0, 255, (300, 300, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(kmcodec.KmcInputError, match=r"image\.png: damaged or truncated"):
        encode_file(Job(str(path), str(tmp_path / "a.kmc"), True), coding="packed", large=0)
    assert not (tmp_path / "a.kmc").exists()


def test_decoding_to_npy_by_strips(tmp_path, pixels):
    for image in (pixels, pixels[..., 0]):
        kmcodec.write(tmp_path / "image.kmc", image, 16, strip_rows=7)
        target = tmp_path / "image.npy"
        report = decode_file(Job(str(tmp_path / "image.kmc"), str(target), True), ".npy")
        found = np.load(target)
        np.testing.assert_array_equal(found, kmcodec.decode((tmp_path / "image.kmc").read_bytes()))
        assert (report.width, report.height, report.size) == (40, 60, target.stat().st_size)
        expected = io.BytesIO()
        np.save(expected, found)
        assert target.read_bytes() == expected.getvalue()


def test_damage_leaves_no_npy(tmp_path, pixels):
    data = bytearray(kmcodec.encode(pixels, 16, strip_rows=7))
    data[kmcodec.inspect(bytes(data)).strips[-1].offset] ^= 1
    (tmp_path / "image.kmc").write_bytes(data)
    with pytest.raises(kmcodec.KmcFormatError, match=r"strip 8 \(rows 56 to 59\)"):
        decode_file(Job(str(tmp_path / "image.kmc"), str(tmp_path / "image.npy"), True), ".npy")
    assert [path.name for path in tmp_path.iterdir()] == ["image.kmc"]


def test_the_command_takes_large_files_by_rows(tmp_path, kmc):
    flat = np.zeros((4200, 4000), np.uint8)
    flat[2000:] = 9
    np.save(tmp_path / "flat.npy", flat)
    run = kmc("encode", "flat.npy", "--json", "--coding", "packed")
    assert run.returncode == 0
    report = json.loads(run.stdout)
    assert report["lossless"]
    np.testing.assert_array_equal(kmcodec.decode((tmp_path / "flat.kmc").read_bytes()), flat)
    run = kmc("decode", "flat.kmc", "-o", "-", "-t", "npy")
    np.testing.assert_array_equal(np.load(io.BytesIO(run.stdout)), flat)
