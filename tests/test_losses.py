"""What was reduced or left out on the way in is not called lossless on any path."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image
from png_files import chunk, png

import kmcodec
from kmcodec.batch import encode_files, plan
from kmcodec.errors import KmcLossWarning
from kmcodec.formats.icc import SRGB, SRGB_CURVE, gamma, grey_profile, rgb_profile
from kmcodec.sources.images import read_source

PIXELS = np.arange(0, 240, 10, np.uint8).reshape(2, 4, 3)
GREY = PIXELS[..., 0]
DEEP = np.arange(600 * 3).reshape(20, 30, 3) * 31


def as_png(*chunks):
    return lambda path: path.write_bytes(png(PIXELS, 8, *chunks))


def as_array(array):
    def write(path):
        with open(path, "wb") as stream:
            np.save(stream, array)

    return write


def in_mode(array, mode, extension, **options):
    def write(path):
        Image.fromarray(array).convert(mode).save(path, extension, **options)

    return write


LOSSES = {
    "PQ": (as_png(chunk(b"cICP", bytes([9, 16, 0, 1]))), "dropped colours by cICP (PQ)"),
    "light levels": (as_png(chunk(b"cLLI", bytes(8))), "dropped light levels (cLLI)"),
    "16 bits": (lambda path: path.write_bytes(png(DEEP, 16)), "16-bit samples reduced to 8 bits"),
    "floats": (as_array(PIXELS / 256), "float samples rounded to 8 bits"),
    "float TIFF": (in_mode(GREY / np.float32(256), "F", "TIFF"), "float samples rounded to 8 bits"),
    "CMYK": (in_mode(PIXELS, "CMYK", "TIFF"), "CMYK samples converted to RGB"),
    "LAB": (lambda path: Image.new("LAB", (3, 2)).save(path, "TIFF"), "LAB samples converted"),
}
HARMLESS = {
    "sBIT": as_png(chunk(b"sBIT", b"\5\6\5")),
    "bKGD": as_png(chunk(b"bKGD", bytes(6))),
    "P3": as_png(chunk(b"cICP", bytes([12, 13, 0, 1]))),
    "floats": as_array(PIXELS / 255),
}
each_loss = pytest.mark.parametrize("kind", LOSSES)


@pytest.fixture(params=LOSSES)
def lossy(request, tmp_path):
    """A file that is more than its pixels of 8 bits."""
    path = tmp_path / "a.img"
    LOSSES[request.param][0](path)
    return path


def report_of(path, **options):
    target = path.with_name("a.kmc")
    (done,) = encode_files(plan([str(path)], str(target), ".kmc", force=True), 4096, **options)
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        return done.result(), [w for w in notes if issubclass(w.category, KmcLossWarning)]


@each_loss
def test_a_report_tells_what_was_lost(kind, tmp_path):
    write, words = LOSSES[kind]
    path = tmp_path / "a.img"
    write(path)
    report, notes = report_of(path)
    assert report.psnr == float("inf")
    assert not report.lossless
    assert words in report.losses[0]
    told = json.loads(json.dumps(report.to_dict()))
    assert (told["lossless"], told["losses"]) == (False, list(report.losses))
    assert [str(w.message).removeprefix(f"{path}: ") for w in notes] == list(report.losses)


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_changes_no_look_is_lossless(kind, tmp_path):
    path = tmp_path / "a.img"
    HARMLESS[kind](path)
    report, notes = report_of(path)
    assert (report.lossless, report.losses, notes) == (True, (), [])


@pytest.mark.parametrize("values", [PIXELS / 256, DEEP.astype(np.uint16)], ids=["floats", "16"])
def test_rows_tell_it_once(values, tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, values)
    report, notes = report_of(path, large=4)
    assert len(report.losses) == 1
    assert not report.lossless
    assert [str(w.message) for w in notes] == [f"{path}: {report.losses[0]}"]


def test_floats_are_told_at_the_row_that_loses_bits(tmp_path):
    values = np.zeros((40, 5))
    path = tmp_path / "a.npy"
    np.save(path, values)
    assert report_of(path, large=4)[0].lossless
    values[-1, -1] = 0.3
    np.save(path, values)
    assert report_of(path, large=4)[0].losses == ("float samples rounded to 8 bits",)


def test_python_warns_of_losses_by_a_class_of_their_own():
    for image in (PIXELS / 256, DEEP.astype(np.uint16), Image.new("CMYK", (2, 2))):
        for make in (kmcodec.encode, kmcodec.quantize, lambda each: kmcodec.encode_frames([each])):
            with pytest.warns(kmcodec.KmcLossWarning):
                make(image)


@pytest.mark.parametrize("kind", ["PQ", "floats", "CMYK"])
def test_no_command_calls_it_lossless(kmc, kind, tmp_path):
    LOSSES[kind][0](tmp_path / "a.img")
    runs = [
        kmc("encode", "a.img", "-k", "4096", "-o", "a.kmc"),
        kmc("compare", "a.img", "a.kmc", "-o", "a.png"),
        kmc("sweep", "a.img", "-k", "4096", "--csv", "a.csv"),
    ]
    for run in runs:
        said = (run.stdout + run.stderr).decode()
        assert run.returncode == 0, said
        assert "note: " in said
        assert "lossless" not in said
    for run in runs[:2]:
        assert b"exact but for what is noted" in run.stderr
    assert runs[2].stdout.split()[-4] == b"inf"


@pytest.mark.parametrize("large", [4, 1 << 20])
def test_a_profile_that_is_stripped_is_a_loss_if_it_says_anything(large, tmp_path):
    path = tmp_path / "a.png"
    for profile, lost in (
        (rgb_profile(SRGB, gamma(1.0), "x"), ("dropped the colour profile",)),
        (b"no profile", ()),
        (rgb_profile(SRGB, SRGB_CURVE, "x"), ()),
        (None, ()),
    ):
        Image.fromarray(PIXELS).save(path, icc_profile=profile)
        report, notes = report_of(path, large=large, strip=True)
        assert report.losses == lost
        assert len(notes) == len(lost)


COLORED = np.vstack(
    [np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1), [[255, 0, 0]]]
).astype(np.uint8)
FOR_GREY = grey_profile(gamma(1.0), "x")


def with_profile():
    picture = Image.fromarray(GREY)
    picture.info["icc_profile"] = FOR_GREY
    return picture


WAYS = {
    "whole": lambda **options: kmcodec.encode(with_profile(), **options),
    "goal": lambda **options: kmcodec.encode(with_profile(), rdo=0.1, **options),
    "size": lambda **options: kmcodec.encode(with_profile(), max_bytes=5000, **options),
    "frames": lambda **options: kmcodec.encode_frames([with_profile()] * 2, **options),
    "frame goal": lambda **options: kmcodec.encode_frames([with_profile()] * 2, rdo=0, **options),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_profile_for_grey_does_not_stay_with_colours(way):
    with pytest.warns(KmcLossWarning, match="for grey, but the palette has colours") as notes:
        data = WAYS[way](palette=COLORED)
    assert len(notes) == 1
    assert kmcodec.decode_frames(data).metadata.icc is None
    assert kmcodec.decode_frames(WAYS[way]()).metadata.icc == FOR_GREY
    assert kmcodec.decode_frames(WAYS[way](palette=COLORED[:256])).metadata.icc == FOR_GREY


def test_a_profile_for_grey_does_not_stay_with_rows_in_colours(tmp_path):
    path = tmp_path / "a.kmc"
    metadata = kmcodec.Metadata(icc=FOR_GREY)
    with pytest.warns(KmcLossWarning, match="for grey, but the palette has colours"):
        kmcodec.encode_rows(GREY, output=path, metadata=metadata, palette=COLORED)
    assert kmcodec.read(path).metadata.icc is None
    kmcodec.encode_rows(GREY, output=path, metadata=metadata)
    assert kmcodec.read(path).metadata.icc == FOR_GREY


def test_a_profile_for_grey_does_not_stay_with_later_frames_in_colours():
    frames = [with_profile(), Image.fromarray(np.broadcast_to(COLORED[-1], (2, 4, 3)).copy())]
    for palettes in ("shared", "frame"):
        with pytest.warns(KmcLossWarning, match="for grey") as notes:
            data = kmcodec.encode_frames(frames, 16, palettes=palettes)
        assert len(notes) == 1
        assert kmcodec.decode_frames(data).metadata.icc is None


def test_a_report_tells_of_a_profile_for_grey(tmp_path):
    with_profile().save(tmp_path / "a.png", icc_profile=FOR_GREY)
    jobs = plan([str(tmp_path / "a.png")], str(tmp_path / "a.kmc"), ".kmc", force=False)
    (done,) = encode_files(jobs, palette=COLORED)
    report = done.value
    assert report.psnr == float("inf")
    assert not report.lossless
    assert "for grey" in report.losses[0]


def test_a_source_knows_its_losses(lossy):
    with pytest.warns(KmcLossWarning):
        assert len(read_source(lossy).losses) == 1


@pytest.mark.parametrize("reduced", [False, True])
def test_figures_call_it_lossless_only_if_it_is(reduced):
    pytest.importorskip("matplotlib", reason="comes with the extra 'plot'")
    from matplotlib.text import Text

    from kmcodec.plots import compare_figure, sweep_figure
    from kmcodec.plots.sweep_rows import sweep
    from kmcodec.request import EncodeRequest

    rows = list(sweep(PIXELS, [2, 256], EncodeRequest.of("test", coding="packed")))
    image, psnr = rows[1].image, rows[1].psnr
    figures = [
        sweep_figure(PIXELS, rows, name="a.png", reduced=reduced),
        compare_figure(PIXELS, image, name="a.png", size=9, raw_size=9, psnr=psnr, reduced=reduced),
    ]
    for figure in figures:
        said = " ".join(text.get_text() for text in figure.findobj(Text))
        assert ("lossless" in said) != reduced
        assert "PSNR ∞" in said or not reduced
