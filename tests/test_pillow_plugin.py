"""`Image.open` and `image.save`, as Pillow's users expect them."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
from conftest import SAMPLES, indexed_images
from hypothesis import given
from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

import kmcodec


def saved(image, **options):
    stream = io.BytesIO()
    image.save(stream, "KMC", **options)
    return stream.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


@pytest.fixture
def bird_kmc(bird, tmp_path):
    path = tmp_path / "bird.kmc"
    kmcodec.write(path, bird, 16, strip_rows=40)
    return path


def test_opening_needs_no_more_than_the_import(bird_kmc):
    code = "import sys, kmcodec; from PIL import Image; print(Image.open(sys.argv[1]).size)"
    run = subprocess.run(
        [sys.executable, "-c", code, bird_kmc], capture_output=True, check=True, text=True
    )
    assert run.stdout == "(128, 128)\n"


def test_what_opening_tells(bird_kmc):
    with Image.open(bird_kmc) as image:
        assert (image.format, image.mode, image.size) == ("KMC", "P", (128, 128))
        assert image.get_format_mimetype() == "image/x-kmc"
        assert Image.MIME["KMC"] == "image/x-kmc"


def test_opening_reads_no_pixels(bird_kmc, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("kmcodec.pillow_plugin.read_indexed", refuse)
    with Image.open(bird_kmc) as image, pytest.raises(AssertionError):
        image.load()


def test_pixels_are_those_of_decode(bird_kmc):
    with Image.open(bird_kmc) as image:
        np.testing.assert_array_equal(image.convert("RGB"), kmcodec.decode(bird_kmc.read_bytes()))


@given(indexed_images())
def test_every_kind_of_file_opens_with_its_mode_and_pixels(image):
    picture = opened(kmcodec.encode(image))
    few = len(image.palette) <= 256
    assert (
        picture.mode
        == {1: "L", 2: "LA", 3: "P" if few else "RGB", 4: "P" if few else "RGBA"}[image.channels]
    )
    plain = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[image.channels]
    np.testing.assert_array_equal(picture.convert(plain), image.to_array())


@given(indexed_images(max_entries=256))
def test_a_palette_image_survives_saving_and_opening(image):
    if image.channels < 3 or len(image.palette) > 256:
        return
    first = opened(kmcodec.encode(image))
    again = opened(saved(first))
    assert again.getpalette() == first.getpalette() == image.palette[:, :3].ravel().tolist()
    assert again.info == first.info
    np.testing.assert_array_equal(np.asarray(again), image.indices)


def test_the_indexed_sample_keeps_its_unused_entry():
    with Image.open(SAMPLES / "pixelart.png") as image:
        again = opened(saved(image))
        assert again.getpalette() == image.getpalette()
        np.testing.assert_array_equal(np.asarray(again), np.asarray(image))


def test_colors_asks_for_a_palette_size(bird):
    image = opened(saved(Image.fromarray(bird), colors=16))
    assert len(image.getpalette()) == 3 * 16


def test_a_palette_image_with_more_entries_than_colors_is_reduced(bird):
    image = Image.fromarray(bird).quantize(64)
    assert len(opened(saved(image, colors=8)).getpalette()) == 3 * 8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_common_mode_can_be_saved(bird, mode):
    source = Image.fromarray(bird).resize((9, 7)).convert(mode)
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        image = opened(saved(source))
    assert [w.category for w in notes] == [kmcodec.KmcLossWarning] * (mode in ("CMYK", "YCbCr"))
    plain = {"L": "L", "1": "L", "LA": "LA"}.get(mode, "RGBA" if mode in ("PA", "RGBA") else "RGB")
    assert image.size == (9, 7)
    np.testing.assert_array_equal(image.convert(plain), source.convert(plain))


def test_icc_exif_xmp_and_text_survive_from_png_to_kmc_and_on(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "Rotkehlchen")
    texts.add_itxt("Comment", "grün")
    texts.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    png = tmp_path / "a.png"
    Image.new("P", (2, 2)).save(png, icc_profile=b"profile", exif=exif, pnginfo=texts)
    with Image.open(png) as image:
        image.save(tmp_path / "a.kmc", exif=image.getexif())
    with Image.open(tmp_path / "a.kmc") as image:
        image.save(tmp_path / "b.kmc")
    for name in ("a.kmc", "b.kmc"):
        with Image.open(tmp_path / name) as image:
            assert image.info["icc_profile"] == b"profile"
            assert image.getexif()[0x010E] == "a description"
            assert image.info["xmp"] == b"<x:xmpmeta/>"
            assert image.text == {"Title": "Rotkehlchen", "Comment": "grün"}
            assert image.info["Title"] == "Rotkehlchen"


def test_metadata_can_be_left_out():
    image = Image.new("L", (2, 2))
    image.info["icc_profile"] = b"profile"
    assert "icc_profile" in opened(saved(image)).info
    assert "icc_profile" not in opened(saved(image, icc_profile=None)).info


def test_verify_accepts_a_right_file(bird_kmc):
    with Image.open(bird_kmc) as image:
        image.verify()


@pytest.mark.parametrize("offset", [-1, 200])
def test_verify_tells_a_wrong_crc(bird_kmc, offset):
    data = bytearray(bird_kmc.read_bytes())
    data[offset] ^= 1
    with pytest.raises(OSError, match=r"strip \d .* CRC is"):
        opened(bytes(data)).verify()


@pytest.mark.parametrize("keep", [100, 300, 0.5, -1])
def test_a_truncated_file_opens_and_fails_to_load(bird_kmc, keep):
    data = bird_kmc.read_bytes()
    cut = data[: int(keep * len(data)) if isinstance(keep, float) else keep]
    image = opened(cut)
    assert image.size == (128, 128)
    with pytest.raises(OSError, match="truncated"):
        image.load()


def test_load_truncated_images_gives_the_strips_there_are(bird_kmc, monkeypatch):
    whole = np.asarray(Image.open(bird_kmc))
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    part = np.asarray(opened(bird_kmc.read_bytes()[:-10]))
    np.testing.assert_array_equal(part[:120], whole[:120])
    assert (part[120:] == 0).all()


@pytest.mark.parametrize("data", [b"", b"KMC", b"\x8bKMC\n\x1a\n" + bytes(40), b"hello" * 20])
def test_foreign_data_is_not_ours(data):
    with pytest.raises(UnidentifiedImageError):
        opened(data)


def test_a_damaged_header_is_not_identified(bird_kmc):
    data = bytearray(bird_kmc.read_bytes())
    data[13] ^= 1
    with pytest.raises(UnidentifiedImageError):
        opened(bytes(data))


def test_the_pixel_limit_of_pillow_holds(bird_kmc, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 128 * 128 - 1)
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(bird_kmc).close()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(bird_kmc)


@pytest.mark.parametrize("wrong", [{"colors": 0}, {"coding": "zip"}, {"color": 16}])
@pytest.mark.parametrize("save_all", [False, True])
def test_a_failed_save_writes_nothing(bird, tmp_path, wrong, save_all):
    stream = io.BytesIO(b"precious")
    for target in (stream, tmp_path / "new.kmc"):
        with pytest.raises(ValueError, match=r"coding|k is|no option"):
            Image.fromarray(bird).save(target, "KMC", save_all=save_all, **wrong)
    assert stream.getvalue() == b"precious"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_does_to_a_file_what_pillow_does(bird, tmp_path):
    ours, theirs = tmp_path / "a.kmc", tmp_path / "a.png"
    for target, wrong in ((ours, {"colors": 0}), (theirs, {"icc_profile": 7})):
        target.write_bytes(b"precious")
        with pytest.raises((ValueError, TypeError)):
            Image.fromarray(bird).save(target, **wrong)
    assert ours.read_bytes() == theirs.read_bytes()[:0] == b""


def test_write_leaves_an_existing_file(bird, tmp_path):
    target = tmp_path / "a.kmc"
    target.write_bytes(b"precious")
    with pytest.raises(ValueError, match="k is"):
        kmcodec.write(target, Image.fromarray(bird), 0)
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


def test_no_file_is_made_in_a_folder_that_is_not_there(bird, tmp_path):
    with pytest.raises(FileNotFoundError):
        Image.fromarray(bird).save(tmp_path / "no" / "new.kmc")


def test_saving_over_the_file_that_is_open(bird_kmc):
    with Image.open(bird_kmc) as image:
        before = np.asarray(image.convert("RGB"))
        image.save(bird_kmc, coding="packed")
    with Image.open(bird_kmc) as image:
        np.testing.assert_array_equal(image.convert("RGB"), before)


def test_too_much_metadata_is_an_error_of_pillows(bird):
    metadata = kmcodec.Metadata(text={str(number): "\0" * (1 << 23) for number in range(9)})
    data = kmcodec.encode(bird, 2, metadata=metadata)
    for act in ("load", "verify"):
        with pytest.raises(OSError, match="metadata exceed the limit"):
            getattr(opened(data), act)()


def test_other_formats_are_saved_as_ever(bird, tmp_path):
    Image.fromarray(bird).save(tmp_path / "bird.png")
    with open(tmp_path / "bird.bmp", "wb") as stream:
        Image.fromarray(bird).save(stream)
    for name in ("bird.png", "bird.bmp"):
        with Image.open(tmp_path / name) as image:
            np.testing.assert_array_equal(image, bird)


def test_registering_twice_changes_nothing():
    kmcodec.register_kmc_opener()
    assert Image.ID.count("KMC") == 1


_SNAPSHOT = """
import importlib, pkgutil, sys
import PIL
from PIL import Image, ImageFile

def parts():
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] == "PIL":
            yield name, vars(module)
            for each in list(vars(module).values()):
                if isinstance(each, type) and each.__module__.split(".")[0] == "PIL":
                    yield f"{each.__module__}.{each.__qualname__}", vars(each)

def snapshot():
    # Objects, not their ids: what has gone away could be told apart no more.
    return {(owner, name): value for owner, names in parts() for name, value in names.items()}

Image.init()
names = [each.name for each in pkgutil.iter_modules(PIL.__path__) if "Image" in each.name]
for name in names:
    try:
        importlib.import_module("PIL." + name)
    except Exception:
        pass  # of libraries that are not there
registries = ("OPEN", "SAVE", "SAVE_ALL", "EXTENSION", "MIME", "DECODERS", "ID")
before = snapshot()
sizes = {name: len(getattr(Image, name)) for name in registries}
import kmcodec, kmcodec.cli.app, kmcodec.batch, kmcodec.plots
image = Image.open(sys.argv[1])
image.save(sys.argv[2])
after = snapshot()
changed = {key for key in before.keys() | after.keys() if before.get(key) is not after.get(key)}
print(sorted(changed))
print(sorted(len(getattr(Image, name)) - size for name, size in sizes.items()))
"""


def test_nothing_of_pillow_is_changed_but_its_registries(bird_kmc, tmp_path):
    png = tmp_path / "a.png"
    Image.new("RGB", (2, 2)).save(png)
    run = subprocess.run(
        [sys.executable, "-c", _SNAPSHOT, png, tmp_path / "b.kmc"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.splitlines() == ["[]", "[1, 1, 1, 1, 1, 1, 1]"]


def test_imageio_reads_and_writes(bird, bird_kmc):
    imageio = pytest.importorskip("imageio.v3", reason="comes with the extra 'test'")
    np.testing.assert_array_equal(
        imageio.imread(bird_kmc)[..., :3], kmcodec.decode(bird_kmc.read_bytes())
    )


def test_imageio_and_pillow_need_the_import(bird_kmc):
    """As docs/python.md says: if one of them looks for entry points, we want to have one."""
    pytest.importorskip("imageio.v3", reason="comes with the extra 'test'")
    for opened in ("import PIL.Image as i; i.open", "import imageio.v3 as i; i.imread"):
        run = subprocess.run(
            [sys.executable, "-c", f"import sys; {opened}(sys.argv[1])", bird_kmc],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 1, opened
        assert re.search("cannot identify image file|Could not find a backend", run.stderr)


def test_scikit_image_reads(bird_kmc):
    io_ = pytest.importorskip("skimage.io", reason="comes with the extra 'test'")
    np.testing.assert_array_equal(
        io_.imread(bird_kmc)[..., :3], kmcodec.decode(bird_kmc.read_bytes())
    )


def test_matplotlib_reads(bird_kmc):
    image = pytest.importorskip("matplotlib.image", reason="comes with the extra 'test'")
    np.testing.assert_array_equal(
        image.imread(bird_kmc)[..., :3], kmcodec.decode(bird_kmc.read_bytes())
    )
