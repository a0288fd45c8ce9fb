"""Labels as segmenters of SciPy and scikit-image return them, in any dtype and order."""

from __future__ import annotations

import os

import numpy as np
import pytest
from conftest import missing_codecs

import kmcodec

REQUIRED = os.environ.get("KMC_REQUIRE_ARRAYS") == "1"
WHY = missing_codecs()
if WHY and not REQUIRED:
    pytest.skip(WHY, allow_module_level=True)
if not REQUIRED:
    pytest.importorskip("skimage", reason="no scikit-image (pip install 'kmcodec[test]')")

import numcodecs  # noqa: E402
import zarr  # noqa: E402
from scipy import ndimage  # noqa: E402
from skimage import data, measure, segmentation  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")


@pytest.fixture(scope="module")
def coins():
    return data.coins() > 120


@pytest.fixture(scope="module")
def coffee():
    return np.ascontiguousarray(data.coffee()[:150, :200])


def cellpose_like(coins):
    """Masks of uint16, numbered without gaps, 0 between cells: what cellpose.models returns."""
    numbered, count = ndimage.label(ndimage.binary_opening(coins, iterations=3))
    assert count > 20
    return numbered.astype(np.uint16)


SEGMENTERS = {
    "measure.label": (lambda coins, _: measure.label(coins), {"int32", "int64"}),
    "measure.label volume": (
        lambda coins, _: measure.label(np.stack([coins, ~coins, coins])[:, :80, :90]),
        {"int32", "int64"},
    ),
    "ndimage.label": (lambda coins, _: ndimage.label(coins)[0], {"int32"}),
    "ndimage.label in int64": (
        lambda coins, _: ndimage.label(coins, output=np.int64)[0],
        {"int64"},
    ),
    "felzenszwalb": (lambda _, coffee: segmentation.felzenszwalb(coffee, 50), {"int64"}),
    "slic": (lambda _, coffee: segmentation.slic(coffee, n_segments=90), {"int64"}),
    "watershed": (
        lambda coins, _: segmentation.watershed(~coins, measure.label(coins), mask=coins),
        {"int32", "int64"},
    ),
    "clear_border": (lambda coins, _: segmentation.clear_border(measure.label(coins)), None),
    "relabelled": (
        lambda coins, _: segmentation.relabel_sequential(measure.label(coins))[0],
        None,
    ),
    "expanded": (lambda coins, _: segmentation.expand_labels(measure.label(coins), 3), None),
    "boundaries": (lambda _, coffee: segmentation.find_boundaries(coffee[..., 0]), {"bool"}),
    "in Fortran's order": (lambda coins, _: np.asfortranarray(measure.label(coins)), None),
    "a cut": (lambda coins, _: measure.label(coins)[7:200:2, ::-1], None),
    "cellpose": (lambda coins, _: cellpose_like(coins), {"uint16"}),
}


@pytest.fixture(params=SEGMENTERS)
def labels(request, coins, coffee):
    segment, dtypes = SEGMENTERS[request.param]
    labels = segment(coins, coffee)
    assert dtypes is None or labels.dtype.name in dtypes
    return labels


def test_labels_of_segmenters_are_kept(labels):
    found = kmcodec.decode_labels(kmcodec.encode_labels(labels, effort="fastest"))
    assert found.dtype == labels.dtype
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_labels_of_segmenters_are_kept_in_zarr(tmp_path, labels, zarr_format):
    how = {"compressors": numcodecs.get_codec({"id": "kmcodec"}), "filters": None}
    if zarr_format == 3:
        how = {"compressors": None, "serializer": {"name": "kmcodec"}}
    chunks = (1, 64, 64)[-labels.ndim :]
    path = tmp_path / "labels.zarr"
    zarr.create_array(path, data=labels, chunks=chunks, zarr_format=zarr_format, **how)
    array = zarr.open_array(path, mode="r")
    assert array.dtype == labels.dtype
    np.testing.assert_array_equal(array[..., 20:52, 40:72], labels[..., 20:52, 40:72])
    np.testing.assert_array_equal(array[:], labels)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "json" not in path.name]
    assert sum(path.stat().st_size for path in files) < labels.nbytes
