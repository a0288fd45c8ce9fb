"""Which option holds on which path: every cell of the table is tried, or says why not.

A new option is one line in `ENCODING` or `DECODING`; without it the last tests fail. A row is an
option, a value that changes the result, and what it is tried with. It holds on every path for which
the row says nothing else.
"""

from __future__ import annotations

import inspect
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click import UsageError
from click.testing import CliRunner
from PIL import Image

import kmcodec
from kmcodec.animation.encode_frames import encode_frames
from kmcodec.batch.encoding import encode_file, encode_files
from kmcodec.batch.file_request import FileOptions
from kmcodec.batch.planning import Job
from kmcodec.cli.encode import encode as encode_command
from kmcodec.cli.exit_codes import MISSED
from kmcodec.cli.palette import palette as palette_command
from kmcodec.errors import KmcError, KmcGoalError, KmcWarning
from kmcodec.model.image import Metadata
from kmcodec.pillow_plugin import _ENCODE_OPTIONS
from kmcodec.quantization import QuantizeOptions, SearchOptions
from kmcodec.request import EncodeOptions

# What distributed leaves to be collected is not ours to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# What a cell may be.


@dataclass(frozen=True)
class Refused:
    """An error names the option."""

    name: str = ""


@dataclass(frozen=True)
class Absent:
    """The path has no such option, for this reason."""

    reason: str


@dataclass(frozen=True)
class NoEffect:
    """The option is taken and changes nothing, for this reason."""

    reason: str


@dataclass(frozen=True)
class Row:
    """An option, a value that makes a difference, and the options that it is tried with."""

    name: str
    value: Any
    beside: dict[str, Any] = field(default_factory=dict)
    source: str = "pixels"
    cells: dict[str, Any] = field(default_factory=dict)


GOALS = {"rows": Refused(), "arrays": Refused(), "shared": Refused()}
SEARCH = {"arrays": Refused()}
PLACING = {"arrays": Refused(), "shared": Refused()}
KEPT = Absent("an image has one frame")
RANDOM = {"k": 8, "init": "random", "search": 0}
COLORS = [[0, 0, 0], [255, 255, 255], [200, 30, 30]]
TEXT = Metadata(text={"Title": "of the caller"})
OF_SOURCE = Refused()

ENCODING = [
    Row("k", 5, cells={"arrays": Refused()}),
    Row("init", "random", {"k": 8, "search": 0}, cells=SEARCH),
    Row("seed", 7, RANDOM, cells=SEARCH),
    Row("search", 0, {"k": 8}, cells=SEARCH),
    Row("iterations", 1, RANDOM, cells=SEARCH),
    Row("restarts", 5, RANDOM, cells=SEARCH),
    Row("space", "oklab", {"k": 8}, cells=SEARCH),
    Row("keep", [[230, 57, 70]], {"k": 8}, cells=SEARCH),
    Row("dither", "blue-noise", {"k": 8}, cells=PLACING),
    Row("dither_amount", 0.3, {"k": 8, "dither": "blue-noise"}, cells=PLACING),
    Row("palette", COLORS, cells=PLACING),
    Row("reorder", True, {}, "palette", PLACING | {"rows": NoEffect("pixels have no order")}),
    Row("coding", "packed", {"k": 8}, cells={"shared": Refused()}),
    Row("effort", "fast", {"k": 8}, cells={"shared": Refused()}),
    Row("strip_rows", 7, {"k": 8}, cells={"shared": Refused(), "strips": Absent("is the path")}),
    Row(
        "metadata",
        TEXT,
        {"k": 8},
        cells={
            **dict.fromkeys(("batch", "cluster", "cli", "shared"), OF_SOURCE),
            "pillow": Absent("is what Pillow calls icc_profile, exif, xmp and text"),
        },
    ),
    Row("rdo", 2.0, {"k": 8}, cells=GOALS),
    Row("psnr", 28.0, cells=GOALS),
    Row("max_bytes", 600, cells=GOALS),
    Row("quality", "40-60", {"effort": "fastest"}, cells=GOALS),
    Row("palettes", "frame", {"k": 8}, "frames", {"arrays": Refused(), "shared": Refused()}),
    Row("durations", 70, {"k": 8}, "frames", dict.fromkeys(("batch", "cluster", "cli"), OF_SOURCE)),
    Row("loop", 3, {"k": 8}, "frames", dict.fromkeys(("batch", "cluster", "cli"), OF_SOURCE)),
]
# `strict` makes an error of a warning: it has a test of its own.
OWN_TESTS = {
    "strict": "test_strict_holds_wherever_goals_do",
    "strip": "test_strip_leaves_out_metadata_on_every_way_of_reading",
    "skip_if_larger": "test_skip_if_larger_holds_for_files_that_could_be_read_by_rows",
    "variable": "test_var_chooses_a_variable_or_is_refused",
    "labels": "test_labels_are_kept_where_files_are_read_and_refused_elsewhere",
    "large": "test_strip_leaves_out_metadata_on_every_way_of_reading",
}
OWN_FILES = {"max_pixels": "test_option_limits.py"}
# What says where pixels come from and files go, who works, and what is told.
PLUMBING = {
    *("image", "rows", "width", "height", "frames", "images", "job", "jobs"),
    "classes",  # of `encode_labels` alone: tests/test_label_classes.py
    *("output", "progress", "advance", "executor", "options", "goal", "sources", "files"),
    *("recursive", "workers", "scheduler", "skip_existing", "force", "quiet", "as_json"),
    "shared_palette",  # `palette` of all sources: tests/test_shared_palettes.py
}
PATHS = ["whole", "rows", "frames", "strips", "batch", "cluster", "pillow", "arrays", "shared"]
PATHS.append("cli")
# Paths whose bytes are those of the whole image.
SAME = {"whole", "rows", "batch", "cluster", "pillow", "cli"}
ALIASES = {"colors": "k", "frame_palettes": "palettes"}


def pixels(seed=0):
    """RGB, shape (33, 40, 3), of more than 256 colours."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:33, :40]
    smooth = np.stack([6 * x, 7 * y, 3 * (x + y)], 2)
    return np.clip(smooth + rng.integers(-9, 10, (33, 40, 3)), 0, 255).astype(np.uint8)


SOURCES = {
    "pixels": lambda: [pixels()],
    "frames": lambda: [pixels(), pixels(1)[::-1]],
    "palette": lambda: [
        kmcodec.IndexedImage([[200, 9, 9], [1, 2, 3], [200, 9, 9]], pixels()[..., 0] % 3)
    ],
}


def as_pillow(image):
    if not isinstance(image, kmcodec.IndexedImage):
        return Image.fromarray(image)
    made = Image.new("P", (40, 33))
    made.putdata(image.indices.ravel().tolist())
    made.putpalette(image.palette.ravel().tolist())
    return made


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def encoded(tmp_path, request):
    """Encode images on a path with options, by their names in Python; gives the bytes."""

    def file_of(images):
        plain = len(images) == 1 and isinstance(images[0], np.ndarray)
        suffix = ".npy" if plain else ".png"
        path = tmp_path / f"in{suffix}"
        if suffix == ".npy":
            np.save(path, images[0])
        else:
            first, *others = map(as_pillow, images)
            extra = {"save_all": True, "append_images": others} if others else {}
            first.save(path, **extra)
        return str(path)

    def by_files(images, options, executor=None):
        target = str(tmp_path / "out.kmc")
        jobs = [Job(file_of(images), target, replace=True)]
        for done in encode_files(jobs, executor=executor, **options):
            done.result()
        return (tmp_path / "out.kmc").read_bytes()

    def by_rows(images, options):
        stream = io.BytesIO()
        given = [i.to_array() if isinstance(i, kmcodec.IndexedImage) else i for i in images]
        kmcodec.encode_rows(given[0], output=stream, **options)
        return stream.getvalue()

    def by_pillow(images, options):
        stream = io.BytesIO()
        first, *others = map(as_pillow, images)
        named = {{"k": "colors", "durations": "duration"}.get(k, k): v for k, v in options.items()}
        extra = {"save_all": True, "append_images": others} if others else {}
        first.save(stream, "KMC", **named, **extra)
        return stream.getvalue()

    def by_command(images, options):
        target = tmp_path / "out.kmc"
        words = [file_of(images), "-o", str(target), "-q", "-f"]
        for name, value in options.items():
            words += flags(name, value)
        made = CliRunner().invoke(encode_command, words, standalone_mode=False)
        if made.exception is not None:
            raise made.exception
        if made.return_value == MISSED:
            raise KmcGoalError("said by the exit code")
        assert not made.return_value
        return target.read_bytes()

    def run(path, images, options):
        options = dict(options)
        if path == "whole":
            return kmcodec.encode(images[0], **options)
        if path == "rows":
            return by_rows(images, options)
        if path == "frames":
            return encode_frames(images if len(images) > 1 else images * 2, **options)
        if path == "strips":
            return kmcodec.encode(images[0], strip_rows=8, **options)
        if path == "arrays":
            return kmcodec.encode_labels(pixels()[..., 0] // 32, **options)
        if path == "shared":
            return kmcodec.shared_palette(images, **options).tobytes()
        if path == "pillow":
            return by_pillow(images, options)
        if path == "cli":
            return by_command(images, options)
        executor = request.getfixturevalue("client") if path == "cluster" else None
        return by_files(images, options, executor)

    return run


def flags(name, value):
    if name == "k":
        return ["-k", str(value)]
    if name == "palettes":
        return ["--frame-palettes"] if value == "frame" else []
    if name == "keep":
        return [word for color in value for word in ("--keep", "#" + bytes(color).hex())]
    if name == "palette":
        return ["--palette", ",".join("#" + bytes(color).hex() for color in value)]
    flag = "--" + name.replace("_", "-")
    return [flag] if value is True else [flag, str(value)]


# Entry points that take an option of `ENCODING`, and their names for it.


def names_of(function):
    return set(inspect.signature(function).parameters) - {"options"}


GOAL = {"rdo", "psnr", "max_bytes", "quality", "strict"}
QUANTIZE = set(QuantizeOptions.__annotations__) | set(SearchOptions.__annotations__)
TAKEN = {
    "whole": names_of(kmcodec.encode) | QUANTIZE,
    "rows": names_of(kmcodec.encode_rows) | set(EncodeOptions.__annotations__) - GOAL,
    "frames": names_of(encode_frames) | set(EncodeOptions.__annotations__),
    "strips": names_of(kmcodec.encode) | QUANTIZE,
    "batch": names_of(encode_file) | set(FileOptions.__annotations__),
    "cluster": names_of(encode_file) | set(FileOptions.__annotations__),
    "pillow": set(_ENCODE_OPTIONS) | {"k", "durations", "loop", "palettes"},
    "arrays": names_of(kmcodec.encode_labels),
    "shared": names_of(kmcodec.shared_palette) | set(SearchOptions.__annotations__),
    "cli": {ALIASES.get(p.name, p.name) for p in encode_command.params},
}
FOR_FRAMES = {"whole": KEPT, "rows": KEPT, "strips": KEPT}


def cell_of(row, path):
    default = FOR_FRAMES.get(path) if row.source == "frames" else None
    if row.source == "frames" and path in ("arrays", "shared"):
        default = Refused()
    return row.cells.get(path, default)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("row", ENCODING, ids=lambda row: row.name)
def test_an_option_holds_or_is_refused_by_name(encoded, row, path):
    cell, images = cell_of(row, path), SOURCES[row.source]()
    wanted = {**row.beside, row.name: row.value}
    if isinstance(cell, Absent):
        assert cell.reason
        # A path that is itself an option has it all the same.
        assert row.name not in TAKEN[path] or cell.reason == "is the path"
        return
    if isinstance(cell, Refused):
        # Only this option, as others might be refused before it.
        name = cell.name or row.name
        with pytest.raises((KmcError, UsageError)) as caught:
            encoded(path, images, {row.name: row.value})
        assert name in str(caught.value).replace("-", "_")
        return
    beside = {} if path == "arrays" else dict(row.beside)
    if path == "shared":
        beside.pop("dither", None)
    wanted = {**beside, row.name: row.value}
    found, plain = encoded(path, images, wanted), encoded(path, images, beside)
    if isinstance(cell, NoEffect):
        assert found == plain
        return
    assert found != plain
    if path in SAME and row.source != "frames":
        assert found == kmcodec.encode(images[0], **wanted)


@pytest.mark.parametrize("path", [p for p in PATHS if p not in GOALS])
def test_strict_holds_wherever_goals_do(encoded, path):
    images = SOURCES["pixels"]()
    with pytest.raises(KmcGoalError):
        encoded(path, images, {"max_bytes": 20, "strict": True})
    if path == "cli":
        return  # it writes a file and says so by its exit code, too
    if path in ("batch", "cluster"):
        assert encoded(path, images, {"max_bytes": 20})
        return
    with pytest.warns(KmcWarning):
        assert encoded(path, images, {"max_bytes": 20})


# Reading by rows, and what is told of files.


def titled_png(path):
    """An image with a text and a profile."""
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "of the source")
    Image.fromarray(pixels()).save(path, pnginfo=info, icc_profile=b"profile" * 20)
    return Job(str(path), str(path.with_suffix(".kmc")), replace=True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("large", [1, 1 << 24], ids=["rows", "whole"])
def test_strip_leaves_out_metadata_on_every_way_of_reading(tmp_path, large):
    if large == 1:
        pytest.importorskip("pyvips", reason="pyvips is not there")
    job = titled_png(tmp_path / "in.png")
    for strip in (False, True):
        encode_file(job, 8, coding="context", strip=strip, large=large)
        found = kmcodec.read(job.target).metadata
        assert (found == Metadata()) == strip
        assert found.text.get("Title") == (None if strip else "of the source")


def test_skip_if_larger_holds_for_files_that_could_be_read_by_rows(tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((2, 1), np.uint8))
    job = Job(str(tmp_path / "in.npy"), str(tmp_path / "out.kmc"), replace=True)
    (tmp_path / "in.npy").write_bytes((tmp_path / "in.npy").read_bytes())
    report = encode_file(job, coding="context", skip_if_larger=True, large=1)
    assert report.written == (report.size < report.source_size)
    with Image.new("L", (1, 1)) as dot:
        dot.save(tmp_path / "in.gif")
    job = Job(str(tmp_path / "in.gif"), str(tmp_path / "dot.kmc"), replace=True)
    report = encode_file(job, coding="context", skip_if_larger=True, large=1)
    assert (report.written, (tmp_path / "dot.kmc").exists()) == (False, False)


def test_var_chooses_a_variable_or_is_refused(tmp_path):
    import scipy.io

    scipy.io.savemat(tmp_path / "in.mat", {"A": pixels(), "B": pixels(1)})
    for name, seed in (("A", 0), ("B", 1)):
        job = Job(str(tmp_path / "in.mat"), str(tmp_path / "out.kmc"), replace=True)
        encode_file(job, 8, coding="context", variable=name)
        assert (tmp_path / "out.kmc").read_bytes() == kmcodec.encode(pixels(seed), 8)
    np.save(tmp_path / "in.npy", pixels())
    job = Job(str(tmp_path / "in.npy"), str(tmp_path / "out.kmc"), replace=True)
    with pytest.raises(KmcError, match=r"in\.npy: only \.mat and \.npz files have variables"):
        encode_file(job, coding="context", variable="A", large=1)


@pytest.mark.parametrize("path", [p for p in PATHS if p != "arrays"])
def test_labels_are_kept_where_files_are_read_and_refused_elsewhere(encoded, path):
    ids = pixels()[..., 0]
    if path in ("batch", "cluster", "cli"):
        found = encoded(path, [ids], {"labels": True})
        assert found == kmcodec.encode_labels(ids)
        assert found != encoded(path, [ids], {})
        return
    with pytest.raises(KmcError, match="labels"):
        encoded(path, [ids], {"labels": True})


# The table is whole.


@pytest.mark.parametrize("path", PATHS)
def test_every_option_has_a_row(path):
    known = {row.name for row in ENCODING} | set(OWN_TESTS) | set(OWN_FILES) | PLUMBING
    assert TAKEN[path] <= known, "a row of ENCODING is missing"


def test_every_row_is_of_an_option():
    for row in ENCODING:
        assert any(row.name in taken for taken in TAKEN.values()), row.name
        assert set(row.cells) <= set(PATHS)
    for name, test in OWN_TESTS.items():
        assert callable(globals()[test])
        assert any(name in taken for taken in TAKEN.values()), name
    for name, file in OWN_FILES.items():
        assert (Path(__file__).parent / file).exists()
        assert any(name in taken for taken in TAKEN.values()), name


def test_the_palette_command_has_the_options_of_shared_palette():
    taken = {ALIASES.get(p.name, p.name) for p in palette_command.params}
    assert taken - PLUMBING - {"variable", "sources", "max_pixels"} == {
        "k",
        *SearchOptions.__annotations__,
    }
