"""What people are told when something outside goes wrong, tried with real files and processes."""

from __future__ import annotations

import gc
import io
import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

import kmcodec
from kmcodec import interrupts
from kmcodec.files import open_kmc
from kmcodec.formats.faults import fault_of, image_fault, warning_in_words
from kmcodec.formats.native_messages import without_native_messages
from kmcodec.sources.images import read_source
from kmcodec.storage import streams

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
POSIX = pytest.mark.skipif(os.name == "nt", reason="of POSIX alone")

# The kinds of names that readers have for themselves, and nobody else.
RAW = ("data stream", "decoder", "int too", "tile cannot", "MAX_TEXT", "literal", "buffer", "tag ")


def saved(format_, pixels=None, **options):
    stream = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (48, 40, 3), dtype=np.uint8)
    Image.fromarray(noise if pixels is None else pixels).save(stream, format_, **options)
    return stream.getvalue()


def tiff(**fields):
    """A TIFF file of 4 x 4 grey pixels, with fields of other values."""
    values = {256: 4, 257: 4, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 4, 279: 16}
    values |= {int(name[1:]): value for name, value in fields.items()}
    values[273] = 8 + 2 + 12 * len(values) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, v) for tag, v in sorted(values.items()))
    return struct.pack("<2sHIH", b"II", 42, 8, len(values)) + entries + bytes(4 + 16)


# -- Ctrl-C


@POSIX
def test_ctrl_c_while_numpy_is_imported_is_one_line(tmp_path):
    (tmp_path / "numpy.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nraise ImportError('went on')\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "kmcodec", "--version"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (130, b"kmc: interrupted\n")


@pytest.mark.parametrize(
    ("given", "name", "expected"),
    [
        (["python", "-m", "kmcodec", "info"], "-m", True),
        (["python", "-X", "dev", "-m", "kmcodec"], "-m", True),
        (["python", "-m", "mine", "kmcodec"], "-m", False),
        (["python", "/usr/bin/kmc", "info"], "/usr/bin/kmc", True),
        (["python", "/usr/bin/kmc.py", "info"], "/usr/bin/kmc.py", False),
        (["python", "-c", "spawn_main()"], "/usr/bin/kmc", False),
        (["python"], "", False),
    ],
)
def test_the_command_line_knows_itself(monkeypatch, given, name, expected):
    monkeypatch.setattr(sys, "orig_argv", given)
    monkeypatch.setattr(sys, "argv", [name])
    assert interrupts.is_command_line() is expected


def test_an_interrupt_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupts.end_at_once_on_interrupt()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupts.end_at_once_on_interrupt()
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        interrupts.raise_on_interrupt()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_garbage_is_collected_from_the_first_command_on(tmp_path):
    script = tmp_path / "kmc"
    script.write_text(
        "import gc, kmcodec\n"
        "starting = gc.isenabled()\n"
        "from kmcodec.cli import app\n"
        "app.kmc.main = lambda **_: print(starting, gc.isenabled())\n"
        "app.main()\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert run.stdout == "False True\n"
    assert gc.isenabled(), "imported by other programs, kmcodec leaves it as it is"


# -- standard output, and the current folder


@POSIX
def test_a_hexdump_that_nobody_reads_to_its_end_is_quiet(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (300, 300), dtype=np.uint8)
    kmcodec.write(tmp_path / "a.kmc", noise)
    command = [sys.executable, "-m", "kmcodec", "info", "--hexdump", "a.kmc"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device")
@pytest.mark.parametrize("option", [[], ["--hexdump"], ["--json"]])
def test_a_full_disk_is_no_fault_of_the_file_that_is_shown(tmp_path, option):
    kmcodec.write(tmp_path / "a.kmc", PIXELS)
    with open("/dev/full", "wb") as full:
        run = subprocess.run(
            [sys.executable, "-m", "kmcodec", "info", *option, "a.kmc"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert run.returncode == 1
    assert run.stderr == b"kmc: standard output: no space left on device\n"


@POSIX
@pytest.mark.parametrize(
    "command", [["encode", "a.png"], ["decode", "a.kmc"], ["palette", "a.png", "-o", "a.hex"]]
)
def test_a_current_folder_that_was_deleted_is_named(tmp_path, command):
    code = "import os, sys; from kmcodec.cli import main; os.rmdir(os.getcwd()); main()"
    folder = tmp_path / "gone"
    folder.mkdir()
    run = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    (line,) = run.stderr.decode().splitlines()
    assert "standard output" not in line
    assert "current folder no longer exists" in line


# -- what has no end, and what cannot be opened


@pytest.fixture
def few_bytes(monkeypatch):
    monkeypatch.setattr(streams, "_MOST_STREAMED", 1000)


@POSIX
@pytest.mark.usefixtures("few_bytes")
@pytest.mark.parametrize("size", [1000, 1001])
def test_a_fifo_is_read_up_to_the_bound(tmp_path, size):
    path = tmp_path / "pipe.kmc"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[bytes(size)])
    writer.start()
    try:
        if size > 1000:
            with pytest.raises(kmcodec.KmcLimitError, match=r"pipe\.kmc: more than 1,000 bytes"):
                open_kmc(str(path)).__enter__()
        else:
            with open_kmc(str(path)) as stream:
                assert stream.read() == bytes(size)
    finally:
        writer.join()


@POSIX
@pytest.mark.usefixtures("few_bytes")
def test_standard_input_is_read_up_to_the_bound(monkeypatch):
    read, write = os.pipe()
    os.write(write, bytes(1001))
    os.close(write)
    with open(read) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(kmcodec.KmcLimitError, match="standard input: more than 1,000 bytes"):
            open_kmc("-").__enter__()


@POSIX
def test_a_fifo_can_be_decoded(kmc, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    data = kmcodec.encode(PIXELS)
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[data])
    writer.start()
    try:
        run = kmc("decode", "pipe", "-o", "a.npy")
    finally:
        writer.join()
    assert run.returncode == 0, run.stderr
    assert np.array_equal(np.load(tmp_path / "a.npy"), PIXELS)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no such sockets")
@pytest.mark.parametrize("command", ["encode", "info"])
def test_a_socket_is_refused_by_name(kmc, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.kmc")
        run = kmc(command, "s.kmc", *(["-o", "t.kmc"] if command == "encode" else []))
    assert run.returncode == 1
    (line,) = run.stderr.decode().splitlines()
    assert line.startswith("kmc: s.kmc: is a socket")


# -- what libraries say


def told_of(data, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(kmcodec.KmcError) as caught:
        read_source(str(path), frames=True)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.filterwarnings("ignore::kmcodec.KmcWarning")
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "ICO", "GIF", "TGA"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_files_that_are_cut_off_are_told_plainly(tmp_path, format_, share):
    options = {"sizes": [(40, 40)]} if format_ == "ICO" else {}
    data = saved(format_, **options)
    told = told_of(data[: int(len(data) * share)], tmp_path, f"a.{format_.lower()}")
    assert not any(word in told for word in RAW)
    assert told.startswith(("damaged or truncated image (", "not an image that can be read"))


@pytest.mark.filterwarnings("ignore::kmcodec.KmcWarning")
@pytest.mark.parametrize(
    "fields",
    [
        *({"t259": v} for v in (99, 5, 8, 7, 34712)),
        *({"t256": v} for v in (2**32 - 1, 100_000)),
        {"t277": 9},
        {"t278": 0},
        {"t258": 3},
        {"t284": 7},
    ],
)
def test_odd_tiffs_are_one_plain_line_and_libtiff_is_quiet(kmc, tmp_path, fields):
    (tmp_path / "a.tif").write_bytes(tiff(**fields))
    run = kmc("encode", "a.tif", "-k", "2")
    lines = run.stderr.decode().splitlines()
    assert all(line.startswith(("kmc: a.tif: ", "kmc: note: a.tif: ", "a.kmc: ")) for line in lines)
    assert run.returncode == (1 if any(line.startswith("kmc: a.tif") for line in lines) else 0)
    assert not any(word in line for word in RAW for line in lines)


def test_the_tiff_whose_fields_are_changed_can_be_read(kmc, tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff())
    assert kmc("encode", "a.tif").returncode == 0


@POSIX
def test_only_within_the_block_is_standard_error_dropped(capfd):
    os.write(2, b"before ")
    with without_native_messages():
        os.write(2, b"lost")
    with without_native_messages(False):
        os.write(2, b"kept")
    assert capfd.readouterr().err == "before kept"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OverflowError("int too big to convert"), "its data cannot be decoded"),
        (OSError("broken data stream when reading image file"), "its data cannot be decoded"),
        (OSError("image file is truncated (5 bytes not processed)"), "its data end too early"),
        (NotImplementedError("Unknown pixel format"), "of a kind that is not supported"),
        (OSError("Unsupported BMP compression (4)"), "of a kind that is not supported"),
        (KeyError("Q;99"), "its data cannot be decoded"),
    ],
)
def test_what_libraries_raise_is_put_in_words(error, words):
    assert fault_of(error) == words
    assert words in image_fault(error)


def test_what_is_missing_is_no_damage():
    fault = image_fault(OSError("Unable to locate Ghostscript on paths"))
    assert fault == "cannot be read: Ghostscript is needed to read it, and not installed"


def test_what_libraries_warn_of_is_put_in_words():
    said = warning_in_words("Corrupt EXIF data.  Expecting to read 4 bytes but only got 0. ")
    assert said == "damaged metadata, not all can be read"
    assert warning_in_words(UserWarning("quite  new\nand more")) == "quite new"


def test_what_libraries_log_is_no_message_of_ours(kmc, tmp_path):
    assert logging.lastResort is not None  # or nothing would be shown anyhow
    (tmp_path / "a.tif").write_bytes(tiff(t277=9))
    run = kmc("encode", "a.tif")
    assert b"More samples per pixel" not in run.stderr
    assert run.returncode == 1
