"""The viewer in a real browser."""

from __future__ import annotations

import base64
import shutil

import numpy as np
import pytest
from browser import BAD, GOOD, VIEWER, as_rgba, assert_drawn, opened
from conftest import ROOT, VECTORS
from selenium.webdriver.common.keys import Keys

import kmcodec

SALVAGE, LARGE, FOREIGN = HINTS = (
    "kmc decode --salvage",
    "kmc decode can convert",
    "kmc encode converts",
)
# All channels and coding methods, and what is special: strips, wide indices, clear entries.
SHOWN = (
    *(f"{coding}-{mode}" for coding in ("packed", "deflate") for mode in
      ("grey", "grey-alpha", "rgb", "rgba")),
    *(f"additive-example-{effort}" for effort in ("fast", "fastest")),
    *(f"context-example-{effort}" for effort in ("default", "max")),
    "labels-example",
    "context-palette-coded-k257-grey-alpha",
    "context-palette-transparent",
    "context-rgba",
    "context-rows-per-strip-3",
    "k1-many-strips",
    "k4096-rgba",
    "k65536-deflate",
    "palette-grey-transparent",
    "rows-per-strip-2-packed",
)  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def phone(page):
    with page.on_a_phone():
        yield page


def rgba(name):
    return as_rgba(kmcodec.decode((GOOD / f"{name}.kmc").read_bytes()))


def test_pixels_are_those_of_the_package(page):
    page.open(*(GOOD / f"{name}.kmc" for name in SHOWN))
    assert len(page.find_all("#files button")) == len(SHOWN)
    for number, name in enumerate(SHOWN):
        page.run("document.querySelectorAll('#files button')[arguments[0]].click()", number)
        page.wait_for(f"{name}.kmc")
        assert page.driver.title == f"{name}.kmc - kmc viewer"
        expected = rgba(name)
        decoded = page.bytes("kmc.toRGBA(viewer.current().image)").reshape(expected.shape)
        np.testing.assert_array_equal(decoded, expected, err_msg=name)
        assert_drawn(page.canvas("canvas"), expected)


def test_without_workers_the_page_decodes_itself(page):
    page.driver.get(VIEWER)
    page.run("window.Worker = undefined")
    page.find("#pick").send_keys(str(GOOD / "packed-rgb.kmc"))
    page.wait_for("packed-rgb.kmc")
    np.testing.assert_array_equal(page.canvas("canvas"), rgba("packed-rgb"))


def test_files_can_be_dropped(page):
    page.driver.get(VIEWER)
    data = base64.b64encode((GOOD / "packed-grey.kmc").read_bytes()).decode()
    page.run(
        "const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));"
        "const dataTransfer = new DataTransfer();"
        "dataTransfer.items.add(new File([bytes], 'dropped.kmc'));"
        "for (const type of ['dragover', 'drop']) document.body.dispatchEvent("
        "new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));",
        data,
    )
    page.wait_for("dropped.kmc")
    np.testing.assert_array_equal(page.canvas("canvas"), rgba("packed-grey"))


def test_a_chosen_colour_lights_its_pixels_up(page):
    page.open(GOOD / "context-example-default.kmc")
    indices = kmcodec.decode_indexed((GOOD / "context-example-default.kmc").read_bytes()).indices
    for entry in (4, 2):
        page.find_all("#swatches button")[entry].click()
        lit = page.canvas("veil")[..., 3] == 0
        np.testing.assert_array_equal(lit, indices == entry)
        count = (indices == entry).sum()
        text = page.find("#chosen").text
        assert f"Entry {entry}, #" in text
        assert f"{count} pixel" in text
        assert f"{100 * count / indices.size:.1f}" in text
        pressed = page.find_all("#swatches [aria-pressed=true]")
        assert [b.get_attribute("data-entry") for b in pressed] == [str(entry)]
        # Not as what has the focus, which may be another.
        assert pressed[0].value_of_css_property("outline-style") == "none"
        assert pressed[0].value_of_css_property("border-top-width") == "3px"
    page.find("#all").click()
    assert not page.canvas("veil").any()
    assert not page.find_all("#swatches [aria-pressed=true]")


def test_a_click_on_the_image_chooses_its_colour(page):
    page.open(GOOD / "example.kmc")
    page.find("#sheet").click()  # in the middle of 5 x 3 pixels
    assert page.find("#swatches [aria-pressed=true]").get_attribute("data-entry") == "1"
    assert page.find("#pointed").text == "x 2, y 1: entry 1, #e63946"


def test_facts_are_shown(page):
    path = GOOD / "meta-all-types.kmc"
    page.open(path)
    found = kmcodec.inspect(path.read_bytes())
    text = page.find(".facts").text
    for words in (
        f"{found.size} bytes",
        "5 \N{MULTIPLICATION SIGN} 3 pixels",
        "3: RGB",
        "0: packed",
        "2 of 2 rows",
    ):
        assert words in text
    rows = page.run("return [...bytes.rows].map((row) => [...row.cells].map((c) => c.textContent))")
    assert {name: int(size) for name, size, _ in rows} == told_of_parts(found)
    rows = page.run("return [...sections.rows].map((row) => row.textContent)")
    assert [row[:4] for row in rows] == [*(s.type for s in found.sections), "KEND"]
    for keyword, value in found.metadata.text.items():
        assert f"{keyword}\n{value}" in text


def told_of_parts(found):
    """What `kmc info` says of the bytes of a file."""
    parts = found.to_dict()["bytes"]
    del parts["total"]
    return {name: size for name, size in parts.items() if size}


def test_bytes_are_counted_as_kmc_info_counts_them(page):
    for name in ("context-palette-coded-k257-grey-alpha", "scenes-300"):
        page.open(GOOD / f"{name}.kmc")
        text = "[...bytes.rows].map((row) => [...row.cells].map((c) => c.textContent))"
        sizes = {name: int(size.replace(",", "")) for name, size, _ in page.run(f"return {text}")}
        assert sizes == told_of_parts(kmcodec.inspect((GOOD / f"{name}.kmc").read_bytes()))


def test_of_an_image_longer_than_a_canvas_some_pixels_are_drawn(page, rng, tmp_path):
    image = kmcodec.IndexedImage([[10, 20, 30], [200, 210, 220]], rng.integers(0, 2, (3, 16_385)))
    kmcodec.write(tmp_path / "long.kmc", image, coding="packed")
    page.open(tmp_path / "long.kmc")
    assert "one pixel in 2 is drawn" in page.find("#note").text
    canvas = page.canvas("canvas")
    np.testing.assert_array_equal(canvas[..., :3], image.to_array()[::2, ::2])
    page.find_all("#swatches button")[1].click()
    lit = page.canvas("veil")[..., 3] == 0
    np.testing.assert_array_equal(lit, image.indices[::2, ::2] == 1)
    assert f"{(image.indices == 1).sum():,} pixels" in page.find("#chosen").text


def test_a_large_palette_comes_in_parts(page):
    page.open(GOOD / "k4096-rgba.kmc")
    assert len(page.find_all("#swatches button")) == 1024
    more = page.find("#more")
    for shown in (2048, 3072, 4096):
        assert more.is_displayed()
        more.click()
        assert len(page.find_all("#swatches button")) == shown
    assert not more.is_displayed()


@pytest.mark.parametrize(
    ("path", "words", "hint"),
    [
        (BAD / "crc-strip-1.kmc", "The CRC of strip 1 is ", SALVAGE),
        (BAD / "truncated-62.kmc", "The file is truncated: strip 1 needs", SALVAGE),
        (BAD / "version-2.kmc", "Version 2 of the format is not supported", SALVAGE),
        (VECTORS / "large" / "both-sides.kmc", "The image is too large: ", LARGE),
        (ROOT / "README.md", "This is not a .kmc file", FOREIGN),
    ],
    ids=lambda value: getattr(value, "stem", None),
)
def test_a_bad_file_is_refused_in_words(page, path, words, hint):
    page.open(path, GOOD / "example.kmc")
    trouble = page.find("#trouble")
    assert trouble.get_attribute("role") == "alert"
    assert f"{path.name} cannot be shown" in trouble.text
    assert words in trouble.text
    assert [each for each in HINTS if each in trouble.text] == [hint]
    assert not page.find("#view").is_displayed()
    page.find_all("#files button")[1].click()
    page.wait_for("example.kmc")
    assert not trouble.is_displayed()


def test_the_keyboard_does_it_all(page):
    page.open(GOOD / "context-example-default.kmc")
    reached = []
    for _ in range(7):
        page.press(Keys.TAB)
        reached.append(page.run("return document.activeElement.id || document.activeElement.title"))
    assert reached[:-1] == ["pick", "out", "in", "fit", "actual", "stage"]
    assert reached[-1].startswith("Entry 0, #")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ENTER)
    assert page.find("#swatches [aria-pressed=true]").get_attribute("data-entry") == "2"
    page.press(Keys.END, Keys.SPACE)
    assert page.find("#swatches [aria-pressed=true]").get_attribute("data-entry") == "4"
    page.press(Keys.ESCAPE)
    assert not page.find_all("#swatches [aria-pressed=true]")
    zooms = []
    for key in ("1", "+", "-", "-", "0"):
        page.press(key)
        zooms.append(page.find("#zoom").text)
    assert zooms[:4] == ["100 %", "200 %", "100 %", "50 %"]
    assert zooms[4] == "6400 %"


def test_everything_that_can_be_used_has_a_name(page):
    page.open(GOOD / "packed-rgba.kmc")
    assert page.run(
        "return [...document.querySelectorAll('button, input, [tabindex]')].filter((one) =>"
        " one.checkVisibility() && !(one.textContent || one.ariaLabel || one.labels?.length))"
        ".map((one) => one.outerHTML)"
    ) == []  # fmt: skip


def test_a_phone_needs_no_sideways_scrolling(phone, tmp_path):
    long = tmp_path / f"{'name' * 50}.kmc"
    long.write_bytes((BAD / "crc-strip-1.kmc").read_bytes())
    phone.driver.get(VIEWER)
    assert not phone.is_too_wide()
    phone.open(long, GOOD / "meta-all-types.kmc", GOOD / "k4096-rgba.kmc")
    assert phone.find("#trouble").is_displayed()
    assert not phone.is_too_wide()
    for number in (1, 2):
        phone.run("document.querySelectorAll('#files button')[arguments[0]].click()", number)
        phone.wait("return viewer.current() !== null")
        phone.run("document.querySelector('#swatches button').click()")
        assert not phone.is_too_wide()
        for _ in range(4):
            phone.find("#in").click()
        assert not phone.is_too_wide()


def test_kmc_view_makes_a_page_that_shows_the_file(page, kmc, tmp_path):
    name = "<\N{DIVISION SLASH}script><b>&amp;\"'.kmc"
    shutil.copy(GOOD / "context-rgba.kmc", tmp_path / name)
    run = kmc("view", name, "-o", "page.html", "--no-browser")
    assert (run.returncode, run.stdout.decode().strip()) == (0, "page.html")
    page.driver.get((tmp_path / "page.html").as_uri())
    page.wait("return viewer.current() !== null")
    assert page.run("return viewer.current().name") == name
    assert page.driver.title == f"{name} - kmc viewer"
    expected = rgba("context-rgba")
    decoded = page.bytes("kmc.toRGBA(viewer.current().image)").reshape(expected.shape)
    np.testing.assert_array_equal(decoded, expected)
