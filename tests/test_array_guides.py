"""The Python of the guides to label arrays, as it stands there, and what the guides say of it."""

from __future__ import annotations

import json
import os
import re
import warnings

import numpy as np
import pytest
from conftest import ROOT, missing_codecs

import kmcodec

REQUIRED = os.environ.get("KMC_REQUIRE_ARRAYS") == "1"
WHY = missing_codecs()
if WHY and not REQUIRED:
    pytest.skip(WHY, allow_module_level=True)
if not REQUIRED:
    for module in ("dask.array", "ome_zarr_models", "xarray"):
        pytest.importorskip(module, reason=f"no {module} (pip install 'kmcodec[test]')")

import dask.array  # noqa: E402
import numcodecs  # noqa: E402
import xarray  # noqa: E402
import zarr  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pydantic of these models
    from ome_zarr_models import v04, v05

# Zarr says so of any codec that its specification does not have.
pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")

GUIDE = (ROOT / "docs" / "arrays.md").read_text("utf-8")
SECTIONS = {part.split("\n")[0]: part for part in re.split(r"^## ", GUIDE, flags=re.M)[1:]}
LABELS = np.add.outer(np.arange(600) // 40 * 100, np.arange(700) // 50).astype(np.uint32)
V3 = {"serializer": {"name": "kmcodec"}, "compressors": None}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the Python of a section in an empty folder; gives its names and the windows it read."""
    monkeypatch.chdir(tmp_path)

    def run_section(title):
        names = {"labels": LABELS, "kmcodec": kmcodec, "numcodecs": numcodecs, "zarr": zarr}
        windows = []
        for block in re.findall(r"```python\n(.*?)```", SECTIONS[title], re.S):
            # Each window is looked at before the next replaces it.
            parts = re.split(r"(?<=\n)(?=window = )", block)
            for part in parts:
                exec(part, names)
                windows += [names["window"]] if part.startswith("window = ") else []
        return names, windows

    return run_section


def codecs_of(folder):
    """The codecs of each array of two axes in a folder, by path."""
    found = {}
    for path in sorted([*folder.rglob("zarr.json"), *folder.rglob(".zarray")]):
        described = json.loads(path.read_text())
        if len(described.get("shape", ())) == 2:
            names = [codec["name"] for codec in described.get("codecs", ())]
            if names == ["sharding_indexed"]:
                inner = described["codecs"][0]["configuration"]["codecs"]
                names = ["shards", *(codec["name"] for codec in inner)]
            found[path.parent.relative_to(folder).as_posix()] = names or [
                described["compressor"]["id"]
            ]
    return found


@pytest.mark.parametrize(
    ("title", "stores"),
    [
        ("Zarr and numcodecs", ["2.zarr", "3.zarr", "shards.zarr"]),
        ("xarray", ["x2.zarr/labels", "x3.zarr/labels"]),
        ("Dask", ["d2.zarr", "d3.zarr", "shards2.zarr"]),
        ("OME-Zarr", [f"cells{n}.ome.zarr/labels/cells/{level}" for n in "45" for level in "012"]),
        ("napari", []),
    ],
)
def test_the_code_of_a_section_stores_labels_and_reads_windows(run, tmp_path, title, stores):
    names, windows = run(title)
    assert len(windows) == {"OME-Zarr": 2, "napari": 1}.get(title, len(stores))
    for window in windows:
        assert window.dtype == LABELS.dtype
        np.testing.assert_array_equal(window, LABELS[300:332, 40:72])
    expected = {path: ["shards"] * ("shards" in path) + ["kmcodec"] for path in stores}
    assert codecs_of(tmp_path) == expected
    if title == "napari":
        assert names["kind"] == "labels"
        assert names["options"]["features"]["class"] == ["nucleus", "cell"]


def test_ome_zarr_models_accept_the_label_images(run):
    run("OME-Zarr")
    five = zarr.open_group("cells5.ome.zarr", mode="r")
    four = zarr.open_group("cells4.ome.zarr", mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert v05.Labels.from_zarr(five["labels"]).attributes.ome.labels == ["cells"]
        ome = v05.ImageLabel.from_zarr(five["labels/cells"]).attributes.ome
        old = v04.ImageLabel.from_zarr(four["labels/cells"]).attributes
    for image_label, (multiscale,) in (
        (ome.image_label, ome.multiscales),
        (old.image_label, old.multiscales),
    ):
        assert [color.label_value for color in image_label.colors] == [1, 2]
        assert len(image_label.properties) == 2
        assert [dataset.path for dataset in multiscale.datasets] == ["0", "1", "2"]
        scales = [d.coordinateTransformations[0].scale for d in multiscale.datasets]
        assert scales == [[1, 1], [2, 2], [4, 4]]
    for group in (four, five):
        level = group["labels/cells/2"]
        np.testing.assert_array_equal(level[:], LABELS[::4, ::4])


def dataset():
    return xarray.Dataset({"labels": (("y", "x"), LABELS)}, {"y": np.arange(600) / 2})


def test_shards_are_written_by_xarray(tmp_path):
    encoding = {"labels": {**V3, "chunks": (256, 256), "shards": (512, 512)}}
    dataset().to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False, encoding=encoding)
    assert codecs_of(tmp_path)["a.zarr/labels"] == ["shards", "kmcodec"]
    opened = xarray.open_zarr(tmp_path / "a.zarr", consolidated=False)["labels"]
    np.testing.assert_array_equal(opened[300:332, 40:72], LABELS[300:332, 40:72])


def test_xarray_opens_a_fill_value_as_nan(tmp_path):
    encoding = {"labels": {**V3, "_FillValue": 0}}
    dataset().to_zarr(tmp_path / "3.zarr", zarr_format=3, consolidated=False, encoding=encoding)
    group = zarr.create_group(tmp_path / "2.zarr", zarr_format=2)
    made = {"compressors": numcodecs.get_codec({"id": "kmcodec"}), "filters": None}
    made["attributes"] = {"_ARRAY_DIMENSIONS": ["y", "x"]}
    group.create_array("labels", data=LABELS, **made)
    for name in ("2.zarr", "3.zarr"):
        opened = xarray.open_zarr(tmp_path / name, consolidated=False)["labels"]
        assert opened.dtype == np.float64
        assert np.isnan(opened.values[LABELS == 0]).all()
        raw = xarray.open_zarr(tmp_path / name, consolidated=False, mask_and_scale=False)
        assert raw["labels"].dtype == LABELS.dtype
        np.testing.assert_array_equal(raw["labels"], LABELS)
    group.create_array("labels", data=LABELS, fill_value=None, overwrite=True, **made)
    opened = xarray.open_zarr(tmp_path / "2.zarr", consolidated=False)["labels"]
    assert opened.dtype == LABELS.dtype


def test_xarray_fills_gaps_with_what_it_is_given(tmp_path):
    labels = dataset()["labels"]
    rows = np.arange(620) / 2
    assert labels.where(labels > 5).dtype == np.float64
    assert labels.where(labels > 5, 0).dtype == LABELS.dtype
    assert labels.reindex(y=rows).dtype == np.float64
    assert labels.reindex(y=rows, fill_value=0).dtype == LABELS.dtype
    gaps = labels.where(labels > 5).to_dataset()
    how = {"zarr_format": 3, "consolidated": False, "mode": "w"}
    with pytest.raises(kmcodec.KmcInputError, match="integers or bool, not float64"):
        gaps.to_zarr(tmp_path / "a.zarr", encoding={"labels": V3}, **how)
    back = {**V3, "dtype": "uint32", "_FillValue": 0}
    gaps.to_zarr(tmp_path / "a.zarr", encoding={"labels": back}, **how)
    stored = zarr.open_array(tmp_path / "a.zarr" / "labels", mode="r")[:]
    np.testing.assert_array_equal(stored, np.where(LABELS > 5, LABELS, 0))


def test_the_other_format_of_zarr_needs_the_encoding_dropped(tmp_path):
    encoding = {"labels": {"compressors": {"id": "kmcodec"}}}
    dataset().to_zarr(tmp_path / "2.zarr", zarr_format=2, encoding=encoding)
    opened = xarray.open_zarr(tmp_path / "2.zarr").load()
    how = {"zarr_format": 3, "consolidated": False, "mode": "w"}
    with pytest.raises((TypeError, ValueError)):
        opened.to_zarr(tmp_path / "3.zarr", **how)
    opened.drop_encoding().to_zarr(tmp_path / "3.zarr", encoding={"labels": V3}, **how)
    assert codecs_of(tmp_path)["3.zarr/labels"] == ["kmcodec"]


def test_dask_keeps_labels_that_it_computes(tmp_path):
    blocks = dask.array.from_array(LABELS, chunks=(128, 256))
    relabelled = blocks.map_blocks(lambda block: block // 100)
    dask.array.to_zarr(relabelled, str(tmp_path / "a.zarr"), zarr_format=3, **V3)
    array = zarr.open_array(tmp_path / "a.zarr", mode="r")
    assert array.chunks == (128, 256)
    np.testing.assert_array_equal(array[:], LABELS // 100)
