"""The room that `<kmc-image>` takes: that of an img, and before the image is there."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from browser import opened
from PIL import Image
from web_site import ADD, element_site

import kmcodec


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with element_site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture
def page(tmp_path, site):
    with opened(tmp_path / "browser") as found:
        found.driver.get(site.address())
        found.run(ADD)
        yield found


def test_the_size_is_known_before_the_image(page, site):
    rest = site.hold("/noise.kmc", 28)
    page.run("add({ src: 'noise.kmc' })")
    page.wait("return made.naturalWidth > 0")
    facts = "return [made.naturalWidth, made.offsetWidth, made.offsetHeight, made.complete]"
    assert page.run(facts) == [3000, 3000, 3000, False]
    assert page.run("return events") == []
    rest.set()
    page.wait("return made.complete")
    assert page.run("return events") == ["load"]
    assert page.run("return [made.width, made.height]") == [3000, 3000]


def test_attributes_give_the_size_before_the_header(page, site):
    rest = site.hold("/vectors/good/example.kmc", 0)
    page.run("add({ src: 'vectors/good/example.kmc', width: '100', height: '60' })")
    size = "return [made.offsetWidth, made.offsetHeight]"
    assert page.run(size) == [100, 60]
    page.run("made.style.width = '50px'; made.style.height = 'auto'")
    assert page.run(size) == [50, 30]
    page.run("made.removeAttribute('width')")
    rest.set()
    page.wait("return made.complete")
    assert page.run(size) == [50, 30]  # now of the image, which is 5 by 3
    page.run("made.style = ''")
    assert page.run(size) == [100, 60]


STYLES = (
    *("", "width: 30px", "height: 80px", "width: 30px; height: 30px", "max-width: 25px"),
    *("max-width: 100%; height: auto", "max-width: 25px; max-height: 50px", "min-width: 90px"),
    *("display: block", "display: block; margin: auto", "width: 50vw", "height: 50%"),
    *("padding: 5px; border: 3px solid", "position: absolute", "vertical-align: middle"),
    *("padding: 5px; border: 3px solid; width: 50px; box-sizing: border-box", "margin: 4px"),
    *("object-fit: cover; width: 20px; height: 30px", "aspect-ratio: 1/1; width: 40px"),
    *("display: none", "width: fit-content", "width: 100%; height: auto", "min-height: 90px"),
)
ATTRIBUTES = ("width=30", "height=20", "width=30 height=30", "width=50%", "width=300 hidden")
AROUND = (
    '<div style="width: 200px">x {} x</div>',
    '<div style="width: 40px">{}</div>',
    '<div style="width: 150px; height: 100px">{}</div>',
    '<div style="display: inline-block">{}</div>',
    '<div style="display: flex; width: 300px; height: 100px">{}</div>',
    '<div style="display: grid; width: 300px; grid-template-columns: 1fr 1fr">{}</div>',
    "<table><tr><td>{}</table>",
)


def test_boxes_are_those_of_an_img(page, site):
    indices = np.arange(60 * 40).reshape(40, 60) % 2
    image = kmcodec.IndexedImage([[10, 20, 30], [200, 10, 10]], indices)
    kmcodec.write(site.folder / "box.kmc", image)
    Image.fromarray(image.to_array()).save(site.folder / "box.png")
    cases = [
        (around, attribute, style)
        for around in AROUND
        for attribute, style in (
            *(("", style) for style in STYLES),
            *product(ATTRIBUTES, STYLES[:6]),
        )
        if not ("flex" in around and "border-box" in style)
    ]
    text = []
    for around, attribute, style in cases:
        for tag, end, src in (("img", "", "box.png"), ("kmc-image", "</kmc-image>", "box.kmc")):
            text.append(around.format(f'<{tag} src={src} {attribute} style="{style}">{end}'))
    page.run("document.body.innerHTML = `<style>div { position: relative }</style>`"
             "+ arguments[0]", "".join(text))  # fmt: skip
    page.wait("return [...document.querySelectorAll('img, kmc-image')].every((e) => e.complete)")
    found = np.array(
        page.run(
            "return [...document.querySelectorAll('img, kmc-image')].map((one) => {"
            "const [box, outer] = [one, one.parentElement].map((e) => e.getBoundingClientRect());"
            "const place = box.width > 0 ? [box.x - outer.x, box.y - outer.y] : [0, 0];"
            "return [...place, box.width, box.height,"
            " outer.width, outer.height, one.width, one.height] })"
        )
    )
    assert len(found) == 2 * len(cases)
    error = np.abs(found[::2] - found[1::2]).max(axis=1)
    assert [case for case, off in zip(cases, error, strict=True) if off > 0.6] == []
