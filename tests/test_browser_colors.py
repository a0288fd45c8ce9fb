"""Colours of PNG on their way through `.kmc`, in a real browser."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from browser import opened
from png_files import chrm, chunk, gama, png

from kmcodec.model.image import IndexedImage
from kmcodec.quantizer import quantize
from kmcodec.sources.images import read_source
from kmcodec.targets.images import encode_image

DRAW = """
const [data, done] = arguments, image = new Image();
image.onload = () => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 16, height: 8});
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  done([...context.getImageData(0, 0, 16, 8).data]);
};
image.src = 'data:image/png;base64,' + data;
"""
WIDE = chrm(0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
CASES = {
    "nothing": [],
    "gamma of sRGB": [gama(0.45455)],
    "linear": [gama(1.0)],
    "wide": [gama(0.45455), WIDE],
    "primaries alone": [chrm(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)],
    "Display P3": [chunk(b"cICP", bytes([12, 13, 0, 1]))],
    "BT.709": [chunk(b"cICP", bytes([1, 1, 0, 1]))],
    "BT.2020": [chunk(b"cICP", bytes([9, 14, 0, 1])), gama(1.0)],
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("browser")) as page:
        page.driver.get("about:blank")

        def show(data):
            coded = base64.b64encode(data).decode()
            return np.array(page.driver.execute_async_script(DRAW, coded)).reshape(8, 16, 4)

        yield show


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_browser_shows_the_same_colours_before_and_after(name, grey, shown, tmp_path, rng):
    samples = rng.integers(0, 256, (8, 16) if grey else (8, 16, 3))
    path = tmp_path / "a.png"
    path.write_bytes(png(samples, 8, *CASES[name]))
    source = read_source(path)
    image = quantize(source.image, 256)
    image = IndexedImage(image.palette, image.indices, source.metadata)
    before, after = shown(path.read_bytes()), shown(encode_image(image, ".png"))
    assert np.abs(before - after).max() <= 2
