"""The command line, through real processes."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from conftest import SAMPLES, VECTORS
from PIL import Image

import kmcodec

BIRD = SAMPLES / "bird_small.mat"


def one_line(run):
    """The single line that a failed command prints."""
    lines = run.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    assert "Traceback" not in lines[0]
    return lines[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["palette", "bird.npy", "b.png", "-o", "b.png"],
        ["encode", "bird.npy", "--palette", "b.kmc", "-f", "-o", "b.kmc"],
        ["compare", "b.png", "b.kmc", "-o", "./b.png"],
        ["sweep", "b.png", "--csv", "b.png"],
        ["plot", "clusters", "b.png", "-o", "b.png"],
    ],
)
def test_no_command_writes_over_what_it_reads(kmc, tmp_path, bird, arguments):
    np.save(tmp_path / "bird.npy", bird)
    Image.fromarray(bird[:8, :8]).save(tmp_path / "b.png")
    kmcodec.write(tmp_path / "b.kmc", bird[:8, :8])
    target = tmp_path / arguments[-1]
    data = target.read_bytes()
    run = kmc(*arguments)
    assert run.returncode == 1
    assert f"{target.name}: skipped, the output would replace the input itself" in str(run.stderr)
    assert target.read_bytes() == data


def test_the_main_job(kmc, tmp_path, bird):
    run = kmc("encode", BIRD, "-k", "16", "-o", "bird.kmc")
    assert (run.returncode, run.stdout) == (0, b"")
    line = one_line(run)
    size = (tmp_path / "bird.kmc").stat().st_size
    source = f"than bird_small.mat ({BIRD.stat().st_size:,})"
    for part in ("bird.kmc: 128 x 128, 16 colours, PSNR", f"{size:,} bytes", "(49,152)", source):
        assert part in line
    assert kmc("decode", "bird.kmc", "-o", "bird.png").returncode == 0
    with Image.open(tmp_path / "bird.png") as image:
        assert image.mode == "P"
        expected = kmcodec.quantize(bird, 16).to_array()
        np.testing.assert_array_equal(image.convert("RGB"), expected)


def test_both_commands_and_the_module_are_the_same(tmp_path):
    import subprocess

    folder = Path(sys.executable).parent
    outputs = []
    for command in ([folder / "kmc"], [folder / "kmcodec"], [sys.executable, "-m", "kmcodec"]):
        run = subprocess.run([*command, "--version"], capture_output=True, check=True)
        outputs.append(run.stdout)
    assert len(set(outputs)) == 1
    assert outputs[0].startswith(f"kmc {kmcodec.__version__} (".encode())


def test_packed_on_disk_has_its_exact_size(kmc, tmp_path):
    assert kmc("encode", BIRD, "-k16", "--coding", "packed", "-o", "b.kmc").returncode == 0
    assert (tmp_path / "b.kmc").stat().st_size == 8192 + 48 + 40


@pytest.mark.parametrize("name", ["screenshot.png", "icon.png", "grey.png", "pixelart.png"])
def test_every_sample_survives_the_command_line(kmc, tmp_path, name):
    assert kmc("encode", SAMPLES / name, "-k", "65536", "-o", "x.kmc").returncode == 0
    assert kmc("decode", "x.kmc").returncode == 0
    with Image.open(SAMPLES / name) as source, Image.open(tmp_path / "x.png") as decoded:
        np.testing.assert_array_equal(decoded.convert("RGBA"), source.convert("RGBA"))


def test_json_reports(kmc, tmp_path):
    run = kmc("encode", BIRD, "-k", "8", "-o", "b.kmc", "--json")
    report = json.loads(run.stdout)
    assert run.stderr == b""
    assert report["size"] == (tmp_path / "b.kmc").stat().st_size
    assert report["source_size"] == BIRD.stat().st_size
    assert (report["width"], report["height"], report["entries"]) == (128, 128, 8)
    assert report["raw_size"] == 3 * 128 * 128
    assert 20 < report["psnr"] < 40
    assert report["lossless"] is False


def test_a_lossless_report_says_so(kmc):
    run = kmc("encode", SAMPLES / "pixelart.png", "-o", "p.kmc", "--json")
    report = json.loads(run.stdout)
    assert report["psnr"] is None
    assert report["lossless"] is True


def test_standard_input_and_output(kmc):
    encoded = kmc("encode", "-", "-k", "4", "-o", "-", "-q", stdin=BIRD.read_bytes())
    assert encoded.stderr == b""
    assert len(kmcodec.decode_indexed(encoded.stdout).palette) == 4
    decoded = kmc("decode", "-", "-o", "-", stdin=encoded.stdout)
    with Image.open(io.BytesIO(decoded.stdout)) as image:
        assert (image.format, image.mode) == ("PNG", "P")
    array = kmc("decode", "-", "-o", "-", "--to", "npy", stdin=encoded.stdout)
    np.testing.assert_array_equal(np.load(io.BytesIO(array.stdout)), kmcodec.decode(encoded.stdout))


@pytest.mark.parametrize("extension", ["png", "npy", "mat", "gif", "bmp", "tiff", "webp"])
def test_decode_writes_what_the_extension_says(kmc, tmp_path, bird, extension):
    kmcodec.write(tmp_path / "b.kmc", bird, 16)
    run = kmc("decode", "b.kmc", "-o", f"out.{extension}")
    assert run.returncode == 0, run.stderr
    expected = kmcodec.read(tmp_path / "b.kmc").to_array()
    out = tmp_path / f"out.{extension}"
    if extension == "npy":
        found = np.load(out)
    elif extension == "mat":
        found = scipy.io.loadmat(out)["A"]
    else:
        with Image.open(out) as image:
            found = image.convert("RGB")
    np.testing.assert_array_equal(found, expected)


def test_several_sources_go_into_a_folder(kmc, tmp_path):
    run = kmc("encode", BIRD, SAMPLES / "grey.png", "-o", "out", "-k", "4")
    assert run.returncode == 0, run.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["bird_small.kmc", "grey.kmc"]
    back = kmc("decode", "out", "-o", "back")
    assert back.returncode == 0, back.stderr
    assert sorted(p.name for p in (tmp_path / "back").iterdir()) == ["bird_small.png", "grey.png"]


def test_a_folder_stands_for_its_images(kmc, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("bird_small.mat", "icon.png", "README.md"):
        shutil.copy(SAMPLES / name, tmp_path / "in")
    assert kmc("encode", "in", "-k", "4").returncode == 0
    assert sorted(p.name for p in (tmp_path / "in").glob("*.kmc")) == ["bird_small.kmc", "icon.kmc"]


def test_one_bad_file_stops_no_other(kmc, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    run = kmc("encode", "bad.png", BIRD, "missing.png", "-o", "out", "-k", "4", "-q")
    assert run.returncode == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["bird_small.kmc"]
    lines = run.stderr.decode().splitlines()
    assert [line.split(":")[:2] for line in lines] == [
        ["kmc", " bad.png"],
        ["kmc", " missing.png"],
        ["kmc", " 2 of 3 files failed"],
    ]


def test_two_sources_of_one_name_do_not_overwrite_each_other(kmc, tmp_path):
    shutil.copy(BIRD, tmp_path / "a.mat")
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    run = kmc("encode", "a.mat", "a.png", "-o", "out")
    assert run.returncode == 1
    assert b"a.mat has the same output file" in run.stderr


def test_a_derived_name_needs_force(kmc, tmp_path):
    shutil.copy(BIRD, tmp_path / "a.mat")
    (tmp_path / "a.kmc").write_bytes(b"precious")
    run = kmc("encode", "a.mat", "-k", "2")
    assert run.returncode == 1
    assert one_line(run) == "kmc: a.kmc: already exists; use --force to replace it"
    assert (tmp_path / "a.kmc").read_bytes() == b"precious"
    assert kmc("encode", "a.mat", "-k", "2", "--force").returncode == 0
    assert len(kmcodec.read(tmp_path / "a.kmc").palette) == 2


def test_a_named_output_needs_force_too(kmc, tmp_path):
    (tmp_path / "a.kmc").write_bytes(b"old")
    assert kmc("encode", BIRD, "-k", "2", "-o", "a.kmc").returncode == 1
    assert (tmp_path / "a.kmc").read_bytes() == b"old"
    assert kmc("encode", BIRD, "-k", "2", "-o", "a.kmc", "--force").returncode == 0
    assert len(kmcodec.read(tmp_path / "a.kmc").palette) == 2


@pytest.mark.parametrize("target", ["a.kmc", "./a.kmc", "link.kmc"])
def test_the_input_is_never_overwritten(kmc, tmp_path, target):
    kmcodec.write(tmp_path / "a.kmc", np.zeros((2, 2), np.uint8))
    before = (tmp_path / "a.kmc").read_bytes()
    if target == "link.kmc":
        os.symlink("a.kmc", tmp_path / target)
    run = kmc("encode", "a.kmc", "-o", target, "--coding", "packed", "--force")
    assert run.returncode == 1
    assert "would replace the input" in one_line(run)
    assert (tmp_path / "a.kmc").read_bytes() == before


def test_the_variable_of_a_mat_file_is_chosen(kmc, tmp_path):
    images = {"first": np.zeros((4, 5), np.uint8), "second": np.ones((6, 7, 3), np.uint8)}
    scipy.io.savemat(tmp_path / "two.mat", images)
    run = kmc("encode", "two.mat", "-o", "x.kmc")
    assert run.returncode == 1
    line = one_line(run)
    assert "first" in line
    assert "6 x 7 x 3" in line or "(6, 7, 3)" in line
    assert "--var" in line
    assert not (tmp_path / "x.kmc").exists()
    assert kmc("encode", "two.mat", "--var", "second", "-o", "x.kmc").returncode == 0
    assert kmcodec.read(tmp_path / "x.kmc").shape == (6, 7, 3)


def test_a_palette_image_keeps_its_palette_unless_asked(kmc, tmp_path):
    source = SAMPLES / "pixelart.png"
    with Image.open(source) as image:
        entries = len(image.getpalette()) // 3
    assert kmc("encode", source, "-o", "p.kmc").returncode == 0
    assert len(kmcodec.read(tmp_path / "p.kmc").palette) == entries
    assert kmc("encode", source, "-k", "4", "-o", "q.kmc").returncode == 0
    assert len(kmcodec.read(tmp_path / "q.kmc").palette) == 4


@pytest.mark.parametrize(
    "args",
    [
        ("encode", BIRD, "-k", "0"),
        ("encode", BIRD, "-k", "65537"),
        ("encode", BIRD, "-k", "many"),
        ("encode", BIRD, "--init", "best"),
        ("encode", BIRD, "--coding", "zip"),
        ("encode", BIRD, "--seed", "-1"),
        ("encode",),
        ("encode", BIRD, "--json", "-o", "-"),
        ("encode", "--no-such-option"),
        ("sweep", BIRD, "-k", "2,x"),
        ("nonsense",),
    ],
)
def test_wrong_usage_is_one_line_and_code_two(kmc, tmp_path, args):
    run = kmc(*args)
    assert run.returncode == 2
    assert one_line(run).startswith("kmc: ")
    assert "--help" in one_line(run)
    assert list(tmp_path.iterdir()) == []


def bad_inputs(folder):
    files = {
        "notes.txt": b"no image at all",
        "empty.png": b"",
        "foreign.kmc": b"KMCS" + bytes(64),
        "damaged.kmc": kmcodec.encode(np.zeros((9, 9), np.uint8))[:-1],
        "hdf5.mat": b"MATLAB 7.3 MAT-file".ljust(512, b" ") + b"\x89HDF\r\n\x1a\n" + bytes(99),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    np.save(folder / "nan.npy", np.array([[0.5, np.nan]]))
    np.save(folder / "empty.npy", np.zeros((0, 4)))
    np.save(folder / "large.npy", np.array([[0.5, 99.0]]))
    np.save(folder / "many.npy", np.zeros((2, 2, 2, 2)))
    scipy.io.savemat(folder / "words.mat", {"words": "none"})
    return [*files, "nan.npy", "empty.npy", "large.npy", "many.npy", "words.mat", "missing.png"]


def test_bad_input_is_one_line_code_one_and_nothing_written(kmc, tmp_path):
    for name in bad_inputs(tmp_path):
        before = sorted(tmp_path.iterdir())
        run = kmc("encode", name, "-o", "out.kmc")
        assert run.returncode == 1, name
        assert one_line(run).startswith(f"kmc: {name}: "), one_line(run)
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", ["decode", "info", "verify"])
def test_a_foreign_file_named_kmc_is_told(kmc, tmp_path, command):
    shutil.copy(SAMPLES / "icon.png", tmp_path / "foreign.kmc")
    run = kmc(command, "foreign.kmc")
    assert run.returncode == 1
    assert "not a .kmc file" in one_line(run)


def test_the_message_for_a_hdf5_file_says_how_to_convert(kmc, tmp_path):
    bad_inputs(tmp_path)
    assert "-v7" in one_line(kmc("encode", "hdf5.mat", "-o", "x.kmc"))


def test_a_folder_that_cannot_be_written(kmc, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for target in ("no/such/x.kmc", "file/x.kmc"):
        run = kmc("encode", BIRD, "-k", "2", "-o", target)
        assert run.returncode == 1
        assert "no such folder" in one_line(run)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk(kmc):
    run = kmc("encode", BIRD, "-k", "2", "-o", "/dev/full")
    assert run.returncode == 1
    assert "no space left on device" in one_line(run)


def test_info_in_words_and_as_json(kmc, tmp_path, bird):
    metadata = kmcodec.Metadata(text={"Title": "red\x1b[31m"})
    kmcodec.write(tmp_path / "b.kmc", bird, 16, strip_rows=64, metadata=metadata)
    words = kmc("info", "b.kmc").stdout.decode()
    assert "128 x 128, RGB" in words
    assert "2 strips of 64 rows" in words
    assert "\x1b" not in words
    facts = json.loads(kmc("info", "b.kmc", "--json").stdout)
    assert facts["entries"] == 16
    assert len(facts["palette"]) == 16
    assert facts["bytes"]["total"] == (tmp_path / "b.kmc").stat().st_size
    assert facts["text"] == {"Title": "red\x1b[31m"}


def test_names_and_keywords_send_nothing_to_a_terminal(kmc, tmp_path):
    metadata = kmcodec.Metadata(text={"a\u202eb": "c\u2028d"})
    image = kmcodec.IndexedImage([[0], [1]], [[0, 1]], metadata)
    name = "evil\x1b[2J\u202egnp.kmc"
    kmcodec.write(tmp_path / name, image)
    (tmp_path / ("x" + name)).write_bytes(b"other")
    for arguments in (
        *(("info", name), ("verify", name, "x" + name), ("decode", name)),
        *(("info", "x" + name), ("decode", "x" + name), ("verify", "y" + name), ("decode", name)),
    ):
        run = kmc(*arguments)
        shown = (run.stdout + run.stderr).decode()
        assert r"evil\x1b[2J\u202egnp" in shown
        assert shown.replace("\n", "").isprintable()


def test_verify_tells_each_file(kmc, tmp_path, bird):
    kmcodec.write(tmp_path / "good.kmc", bird, 16)
    data = (tmp_path / "good.kmc").read_bytes()
    (tmp_path / "bad.kmc").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    run = kmc("verify", "good.kmc", "bad.kmc")
    assert run.returncode == 1
    assert run.stdout.decode().startswith("good.kmc: intact")
    assert "bad.kmc: strip 0" in run.stderr.decode()
    assert kmc("verify", "good.kmc").returncode == 0


def test_verify_refuses_every_bad_vector(kmc):
    vectors = sorted((VECTORS / "bad").glob("*.kmc"))
    run = kmc("verify", "--deep", *vectors)
    assert run.returncode == 1
    assert run.stdout == b""
    assert f"{len(vectors)} of {len(vectors)} files failed" in run.stderr.decode()
    assert kmc("verify", "--deep", "-q", *sorted((VECTORS / "good").glob("*.kmc"))).returncode == 0


def test_compare_draws_a_figure(kmc, tmp_path):
    pytest.importorskip("matplotlib", reason="comes with the extra 'test'")
    assert kmc("encode", BIRD, "-k", "16", "-o", "b.kmc").returncode == 0
    run = kmc("compare", BIRD, "b.kmc", "-o", "figure.png")
    assert run.returncode == 0, run.stderr
    assert re.search(rb"PSNR \d\d\.\d\d dB, SSIMULACRA2 \d\d\.\d, ", run.stderr)
    with Image.open(tmp_path / "figure.png") as figure:
        assert min(figure.size) > 400


def test_compare_refuses_other_sizes(kmc):
    assert kmc("encode", SAMPLES / "icon.png", "-o", "i.kmc").returncode == 0
    run = kmc("compare", BIRD, "i.kmc", "-o", "figure.png")
    assert run.returncode == 1
    assert "128 x 128 and 64 x 64" in one_line(run)


@pytest.fixture
def without_matplotlib(tmp_path):
    """An environment in which matplotlib cannot be imported."""
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "matplotlib.py").write_text("raise ImportError('hidden')")
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.mark.parametrize("args", [("compare", BIRD, "b.kmc"), ("sweep", BIRD, "-k", "2")])
def test_without_matplotlib_one_sentence_says_what_to_install(
    kmc, tmp_path, without_matplotlib, args
):
    kmcodec.write(tmp_path / "b.kmc", np.zeros((128, 128), np.uint8))
    run = kmc(*args, "-o", "figure.png", env=without_matplotlib)
    assert run.returncode == 1
    assert "pip install 'kmcodec[plot]'" in one_line(run)


def test_sweep_draws_a_figure(kmc, tmp_path):
    pytest.importorskip("matplotlib", reason="comes with the extra 'test'")
    run = kmc("sweep", BIRD, "-k", "2,4", "-o", "sweep.png")
    assert run.returncode == 0, run.stderr
    with Image.open(tmp_path / "sweep.png") as figure:
        assert min(figure.size) > 400


def test_a_closed_pipe_ends_quietly(tmp_path):
    import subprocess

    process = subprocess.Popen(
        [sys.executable, "-m", "kmcodec", "encode", str(BIRD), "-o", "-", "-q"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) != 0
    assert stderr == b""


def test_a_notice_is_one_line(kmc, tmp_path):
    Image.fromarray(np.arange(0, 60000, 100, np.uint16).reshape(20, 30)).save(tmp_path / "deep.png")
    run = kmc("encode", "deep.png", "-o", "d.kmc", "-q")
    assert run.returncode == 0
    assert one_line(run).startswith("kmc: note: deep.png: ")
    assert "16" in one_line(run)


def test_help_documents_the_exit_codes(kmc):
    text = kmc("--help").stdout.decode()
    assert "Exit codes: 0 success; 1 failure" in text
    for command in ("encode", "decode", "info", "verify", "compare", "sweep", "palette"):
        assert command in text
        assert kmc(command, "--help").returncode == 0
