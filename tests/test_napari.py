"""The plugin for napari, as npe2 finds and calls it: layers of files, and files of layers."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest

import kmcodec
from kmcodec.arrays.image_label import IMAGE_LABEL, image_label_text, layer_options
from kmcodec.container.layout import with_sections
from kmcodec.container.metadata import sections_from_metadata

if os.environ.get("KMC_REQUIRE_ARRAYS") != "1":
    pytest.importorskip("npe2", reason="no npe2 (pip install 'kmcodec[napari]')")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydantic of npe2's models
    import npe2

LABELS = (np.add.outer(np.arange(40) // 7 * 1000, np.arange(60) // 9) - 3).astype(np.int32)


@pytest.fixture(scope="module", autouse=True)
def manager():
    """The plugins that are installed here, of which kmcodec is one by its entry point."""
    manager = npe2.PluginManager.instance()
    manager.discover()
    assert "kmcodec" in manager
    return manager


def read(*paths, stack=False):
    (layer,) = npe2.read([str(path) for path in paths], stack=stack, plugin_name="kmcodec")
    return layer


def write(path, data, **options):
    return npe2.write(str(path), [(data, options, "labels")], plugin_name="kmcodec")


def with_text(data, keyword, text):
    metadata = kmcodec.Metadata(text={keyword: text})
    return with_sections(data, sections_from_metadata(metadata))


def test_npe2_approves_of_the_manifest():
    run = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", "kmcodec"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "valid" in run.stdout


def test_finding_the_plugin_imports_nothing_of_it():
    code = (
        "import sys, npe2; manager = npe2.PluginManager.instance(); manager.discover();"
        "assert 'kmcodec' in manager; (reader,) = manager.iter_compatible_readers(['a.kmc']);"
        "print(reader.command, [name for name in sys.modules if name.startswith('kmcodec')])"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "kmcodec.get_reader []"


def test_reading_a_layer_imports_nothing_heavy(tmp_path):
    write(tmp_path / "a.kmc", LABELS)
    code = (
        "import sys; from kmcodec.arrays.napari_layers import get_reader;"
        "path = sys.argv[1]; ((_, _, kind),) = get_reader(path)(path); print(kind, *sys.modules)"
    )
    command = [sys.executable, "-I", "-c", code, str(tmp_path / "a.kmc")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    kind, *modules = run.stdout.split()
    assert kind == "labels"
    assert not {"napari", "npe2", "scipy", "dask", "zarr", "numcodecs", "pydantic"} & set(modules)


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        LABELS > 0,
        LABELS.astype(">i8"),
        np.stack([LABELS, LABELS + 1, 0 * LABELS]).astype(np.uint64),
        np.arange(70_000, dtype=np.uint32).reshape(200, 350),
        np.int16(7),
    ],
    ids=["int32", "bool", "big-endian", "volume", "many", "single"],
)
def test_a_file_of_labels_is_a_labels_layer(tmp_path, labels):
    (tmp_path / "cells.kmc").write_bytes(kmcodec.encode_labels(labels, effort="fastest"))
    data, options, kind = read(tmp_path / "cells.kmc")
    assert kind == "labels"
    assert options == {"name": "cells"}
    assert data.dtype == labels.dtype
    np.testing.assert_array_equal(data, np.atleast_1d(labels))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("frames", [1, 3])
def test_a_file_of_pixels_is_an_image_layer(tmp_path, rng, channels, frames):
    pixels = rng.integers(0, 4, (frames, 20, 3, channels), np.uint8) * np.uint8(80)
    data = kmcodec.encode_frames(list(pixels), 256, effort="fastest")
    (tmp_path / "photo.kmc").write_bytes(data)
    found, options, kind = read(tmp_path / "photo.kmc")
    assert kind == "image"
    assert options == {"name": "photo", "rgb": channels > 1}
    if channels == 2:
        pixels = np.concatenate([pixels[..., :1].repeat(3, axis=3), pixels[..., 1:]], axis=3)
    elif channels == 1:
        pixels = pixels[..., 0]
    np.testing.assert_array_equal(found, pixels if frames > 1 else pixels[0])


def test_a_layer_comes_back_with_its_name_colours_and_features(tmp_path):
    path = tmp_path / "saved.kmc"
    labels = LABELS.clip(0).astype(np.uint16)
    colormap = {None: np.zeros(4), 0: (0, 0, 0, 0), 1000: np.array([1, 0.2, 0.6, 1], np.float32)}
    features = {"index": [1000, 2000], "kind": ["nucleus", "cell"], "area": [np.nan, 2.5]}
    written = write(path, labels, name="Zellkörper", colormap=colormap, features=features)
    assert written == [str(path)]
    np.testing.assert_array_equal(kmcodec.decode_labels(path.read_bytes()), labels)
    data, options, kind = read(path)
    assert kind == "labels"
    np.testing.assert_array_equal(data, labels)
    assert options["name"] == "Zellkörper"
    assert options["colormap"] == {None: (0, 0, 0, 0), 0: (0, 0, 0, 0), 1000: (1, 0.2, 0.6, 1)}
    expected = {"kind": ["nucleus", "cell"], "area": [None, 2.5], "index": [1000, 2000]}
    assert options["features"] == expected
    stored = json.loads(kmcodec.inspect(path.read_bytes()).metadata.text[IMAGE_LABEL])
    assert stored["colors"][1] == {"label-value": 1000, "rgba": [255, 51, 153, 255]}
    assert stored["properties"][1] == {"label-value": 2000, "kind": "cell", "area": 2.5}


def test_features_without_an_index_belong_to_the_labels_from_0_on():
    text = image_label_text({"features": {"kind": np.array(["none", "cell"])}})
    assert layer_options(text) == {"features": {"kind": ["none", "cell"], "index": [0, 1]}}
    assert image_label_text({"features": {}, "colormap": {None: (0, 0, 0, 0)}}) is None
    assert image_label_text({"name": "cells"}) is None


def test_the_first_of_several_resolutions_is_written(tmp_path):
    write(tmp_path / "a.kmc", [LABELS, LABELS[::2, ::2]], multiscale=True)
    np.testing.assert_array_equal(read(tmp_path / "a.kmc")[0], LABELS)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scale": [2, 1]}, "scale"),
        ({"translate": np.array([0, 4]), "rotate": [[0, 1], [1, 0]]}, "translate and rotate"),
        ({"affine": 2 * np.eye(3), "shear": [1]}, "shear and affine"),
    ],
    ids=str,
)
def test_what_the_file_does_not_hold_is_told(tmp_path, options, told):
    with pytest.warns(kmcodec.KmcWarning, match=rf"a\.kmc: dropped {told} of the layer"):
        write(tmp_path / "a.kmc", LABELS, **options)


def test_a_layer_where_pixels_lie_is_written_without_a_word(tmp_path):
    at_rest = {"scale": [1.0, 1.0], "translate": [0.0, 0.0], "rotate": np.eye(2), "shear": [0.0]}
    write(tmp_path / "a.kmc", LABELS, affine=np.eye(3), **at_rest)


def test_files_are_stacked(tmp_path):
    for number in (1, 2):
        write(tmp_path / f"{number}.kmc", LABELS + number)
    data, _, kind = read(tmp_path / "1.kmc", tmp_path / "2.kmc", stack=True)
    assert kind == "labels"
    np.testing.assert_array_equal(data, [LABELS + 1, LABELS + 2])
    write(tmp_path / "2.kmc", LABELS[:9])
    with pytest.raises(kmcodec.KmcInputError, match="cannot stack 2 files: shape, dtype or kind"):
        read(tmp_path / "1.kmc", tmp_path / "2.kmc", stack=True)


@pytest.mark.parametrize(
    ("labels", "options", "told"),
    [
        (LABELS / 2, {}, "integers or bool, not float64"),
        (LABELS, {"colormap": {1: "red"}}, "colour of label 1 is 'red', must be RGBA from 0 to 1"),
        (LABELS, {"colormap": {1: (0, 0, np.nan, 1)}}, "colour of label 1 is"),
        (LABELS, {"colormap": {1: (0, 0, 255, 255)}}, "colour of label 1 is"),
    ],
    ids=["floats", "name", "nan", "bytes"],
)
def test_layers_that_cannot_be_written_leave_the_old_file(tmp_path, labels, options, told):
    path = tmp_path / "a.kmc"
    path.write_bytes(b"old")
    with pytest.raises(kmcodec.KmcInputError, match=told) as caught:
        write(path, labels, **options)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"


GOOD = kmcodec.encode_labels(LABELS)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "truncated"),
        (b"GIF89a" + bytes(60), "not a .kmc file"),
        (GOOD[:-20], "truncated"),
        (GOOD[:80] + bytes([GOOD[80] ^ 1]) + GOOD[81:], "CRC"),
        (with_text(with_text(GOOD, "x", "y"), "x", "z"), "twice"),
    ],
    ids=["empty", "gif", "short", "damaged", "twice"],
)
def test_files_that_are_damaged_are_refused_in_a_line(tmp_path, data, told):
    (tmp_path / "a.kmc").write_bytes(data)
    with pytest.raises(kmcodec.KmcFormatError) as caught:
        read(tmp_path / "a.kmc")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'a.kmc'}: ")
    assert told in message
    assert "\n" not in message


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(kmcodec.KmcFileError, match=r"gone\.kmc: "):
        read(tmp_path / "gone.kmc")


@pytest.mark.parametrize("data", [GOOD, kmcodec.encode(LABELS.astype(np.uint8), 16)])
def test_a_small_file_that_declares_a_giant_is_refused(tmp_path, data):
    head = bytearray(data[:24])
    head[12:20] = struct.pack("<II", 1 << 30, 1 << 30)
    forged = head + struct.pack("<I", zlib.crc32(head)) + data[28:]
    (tmp_path / "a.kmc").write_bytes(forged)
    with pytest.raises(kmcodec.KmcError, match=r"a\.kmc: ") as caught:
        read(tmp_path / "a.kmc")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[" * 100_000,
        "[]",
        "7",
        '{"colors": 7}',
        '{"colors": [{"label-value": 1}]}',
        '{"colors": [{"label-value": 1, "rgba": [0, 0, 0, 256]}]}',
        '{"colors": [{"label-value": 1, "rgba": [0, 0, 0]}]}',
        '{"colors": [{"label-value": 1, "rgba": [0, 0, 0, 1.5]}]}',
        '{"colors": [{"label-value": true, "rgba": [0, 0, 0, 255]}]}',
        '{"properties": [{"label-value": "1"}]}',
        '{"properties": [[]]}',
        f'{{"properties": [{{"label-value": {"9" * 5000}}}]}}',
    ],
    ids=lambda text: text[:60],
)
def test_malformed_colours_leave_the_labels(tmp_path, text):
    (tmp_path / "a.kmc").write_bytes(with_text(GOOD, IMAGE_LABEL, text))
    with pytest.warns(kmcodec.KmcWarning, match=r"a\.kmc: text 'image-label': it is malformed"):
        data, options, kind = read(tmp_path / "a.kmc")
    assert (kind, options) == ("labels", {"name": "a"})
    np.testing.assert_array_equal(data, LABELS)


def test_other_texts_are_kept_with_the_layer(tmp_path):
    (tmp_path / "a.kmc").write_bytes(with_text(GOOD, "Author", "Ada"))
    assert read(tmp_path / "a.kmc")[1] == {"name": "a", "metadata": {"Author": "Ada"}}


def test_sections_are_added_only_to_a_file_that_has_some():
    plain = kmcodec.encode(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="the file has no sections"):
        with_text(plain, "x", "y")
