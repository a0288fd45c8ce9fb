"""`<kmc-image>`, from one script, in a real browser."""

from __future__ import annotations

import base64
import io
import json
import time

import numpy as np
import pytest
from browser import GOOD, as_rgba, opened
from PIL import Image
from web_site import ADD, element_site

import kmcodec

STILL = (
    *("additive-example-fast", "context-example-default", "context-example-max", "labels-example"),
    *("packed-grey-alpha", "deflate-rgba", "context-rgba", "k4096-rgba", "k65536-deflate"),
)
MOVING = ("frames-below-300-entries", "frames-example-interleaved", "scenes-example")
BYTES = """
const done = arguments[arguments.length - 1];
fetch(img().src).then((answer) => answer.arrayBuffer()).then((buffer) => {
  done(btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('')));
}, (error) => done(null));
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with element_site(tmp_path_factory.mktemp("site")) as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def page(browser, site):
    """The page, without an element yet; what it prints is not an error of the next test."""
    site.asked.clear()
    site.cut.clear()
    browser.driver.get(site.address())
    browser.run(ADD)
    return browser


@pytest.fixture
def failing(page):
    """The page of a test that has a request fail, which the browser tells as an error."""
    page.driver.get_log("browser")
    yield page
    page.driver.get_log("browser")


def show(page, src, **attributes):
    page.run("add(arguments[0])", {"src": src, **attributes})
    page.wait("return made.complete && events.length > 0")


def png(page):
    """What a reader who saves the image gets."""
    coded = page.driver.execute_async_script(BYTES)
    return Image.open(io.BytesIO(base64.b64decode(coded)))


def test_images_are_those_of_the_package(page):
    for name in STILL:
        page.run("events.length = 0")
        show(page, f"vectors/good/{name}.kmc", alt="")
        assert page.run("return events") == ["load"], name
        expected = as_rgba(kmcodec.decode((GOOD / f"{name}.kmc").read_bytes()))
        height, width = expected.shape[:2]
        facts = "const { complete, error, naturalWidth, naturalHeight } = made;"
        assert page.run(f"{facts} return [complete, error, naturalWidth, naturalHeight]") == [
            *(True, None, width, height),
        ]
        with png(page) as image:
            assert image.mode == ("RGBA" if name.startswith("k") else "P")
            np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), expected, name)


def test_animations_are_those_of_the_package(page):
    for name in MOVING:
        show(page, f"vectors/good/{name}.kmc")
        expected = kmcodec.decode_frames((GOOD / f"{name}.kmc").read_bytes())
        with png(page) as image:
            assert image.n_frames == len(expected)
            assert image.info["loop"] == expected.loop
            for number, pixels in enumerate(map(as_rgba, expected.to_array())):
                image.seek(number)
                assert image.info["duration"] == expected.durations[number]
                np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), pixels)


def colour_on_screen(page):
    """The colour of the middle of the element, as it is drawn just now."""
    x, y = page.run("const box = made.getBoundingClientRect();"
                    "return [box.x + box.width / 2, box.y + box.height / 2]")  # fmt: skip
    shot = Image.open(io.BytesIO(page.driver.get_screenshot_as_png()))
    return shot.convert("RGB").getpixel((round(x), round(y)))


@pytest.fixture
def flashing(site):
    """An animation that is red for a moment, then green."""
    frames = [
        kmcodec.IndexedImage([[250, 0, 0], [0, 250, 0]], np.full((40, 40), index, np.uint8))
        for index in (0, 1)
    ]
    path = site.folder / "flashing.kmc"
    path.write_bytes(kmcodec.encode_frames(frames, durations=(400, 400)))
    return path.name


def test_an_animation_plays(page, flashing):
    show(page, flashing)
    seen, end = set(), time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < end:
        seen.add(colour_on_screen(page))
    assert seen == {(250, 0, 0), (0, 250, 0)}


def test_who_asks_for_less_motion_sees_the_first_frame(page, flashing):
    def ask(value):
        media = {"features": [{"name": "prefers-reduced-motion", "value": value}]}
        before = page.run("return img().src")
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        page.wait(f"return img().src !== {before!r} && img().complete")

    show(page, flashing)
    with png(page) as image:
        assert image.n_frames == 2
    try:
        ask("reduce")
        with png(page) as image:
            assert getattr(image, "n_frames", 1) == 1
            assert image.convert("RGB").getpixel((0, 0)) == (250, 0, 0)
        show(page, flashing)
        with png(page) as image:
            assert getattr(image, "n_frames", 1) == 1
    finally:
        ask("no-preference")
    with png(page) as image:
        assert image.n_frames == 2


def test_text_instead_of_the_image_is_for_those_who_do_not_see_it(failing):
    failing.run("""
        add({ src: 'vectors/good/example.kmc', alt: 'A pattern' });
        add({ src: 'none.kmc', alt: 'Nothing' });
        add({ src: 'vectors/good/example.kmc', alt: '' });
        made.alt = 'Later';
        add({ src: 'vectors/good/example.kmc', alt: '' });""")
    failing.wait("return events.length === 4")
    tree = failing.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    images = [node for node in tree if not node["ignored"] and node["role"]["value"] == "image"]
    assert [node["name"]["value"] for node in images] == ["A pattern", "Nothing", "Later"]
    shown = "document.querySelectorAll('kmc-image')[1].shadowRoot.querySelector('img')"
    assert failing.run(f"return {shown}.alt") == "Nothing"
    assert failing.run(f"return {shown}.getBoundingClientRect().width") > 30


@pytest.mark.parametrize(
    ("src", "kind", "words"),
    [
        ("vectors/bad/crc-strip-1.kmc", "KmcError", "the CRC of strip 1 is"),
        ("vectors/bad/truncated-07.kmc", "KmcError", "the file is truncated"),
        ("vectors/large/both-sides.kmc", "KmcLimitError", "the image is too large"),
        ("kmc-image.js", "KmcForeignError", "this is not a .kmc file"),
        ("none.kmc", "Error", "HTTP 404"),
        ("http://localhost:PORT/vectors/good/example.kmc", "TypeError", "fetch"),  # without CORS
        ("http://[", "TypeError", "URL"),
        ("", "Error", "src is empty"),
        ("data:,", "KmcError", "the file is truncated"),
    ],
)
def test_what_cannot_be_shown_is_an_error_event(failing, site, src, kind, words):
    show(failing, src.replace("PORT", str(site.server_port)), alt="text")
    assert failing.run("return events") == ["error"]
    name, message = failing.run("return [made.error.name, made.error.message]")
    assert name == kind
    assert words in message
    assert failing.run("return [made.naturalWidth, made.naturalHeight, img().src]") == [0, 0, ""]
    said = [entry["message"] for entry in failing.driver.get_log("browser")]
    assert sum("cannot be shown: " in entry for entry in said) == (1 if src else 0)
    # The next one is not impressed.
    failing.run("made.src = 'vectors/good/example.kmc'")
    failing.wait("return events.length === 2 && made.naturalWidth === 5")
    assert failing.run("return [made.error, events[1]]") == [None, "load"]


def test_other_sites_may_allow_it(page, site):
    show(page, f"{site.address('localhost')}shared/example.kmc", crossorigin="anonymous")
    assert page.run("return [events, made.naturalWidth]") == [["load"], 5]


def test_lazy_images_are_loaded_when_they_come_near(page, site):
    page.run("""
        document.body.innerHTML = '<p style="height: 9000px"></p>';
        add({ src: 'vectors/good/example.kmc', loading: 'lazy' });
        add({ src: 'vectors/good/labels-example.kmc', loading: 'lazy' });
        made.hidden = true;
        add({ src: 'vectors/good/packed-rgb.kmc' });""")
    page.wait("return made.complete")
    time.sleep(0.3)
    paths = [f"/vectors/good/{name}.kmc" for name in ("packed-rgb", "example", "labels-example")]
    assert site.asked[2:] == paths[:1]
    page.run("scrollTo(0, 8000)")
    page.wait("return document.querySelector('kmc-image').complete")
    assert site.asked[2:] == paths[:2]
    page.run("document.querySelectorAll('kmc-image')[1].loading = 'eager'")
    page.wait("return document.querySelectorAll('kmc-image')[1].complete")
    assert site.asked[2:] == paths


def test_a_new_address_stops_what_is_on_its_way(page, site):
    rest = site.hold("/noise.kmc", 1000)
    page.run("add({ src: 'noise.kmc' })")
    page.wait("return made.naturalWidth === 3000")
    page.run("made.decode().catch((error) => { window.refused = error.name });"
             "made.src = 'vectors/good/example.kmc'")  # fmt: skip
    page.wait("return made.complete")
    assert page.run("return [events, made.naturalWidth, refused]") == [["load"], 5, "EncodingError"]
    rest.set()
    end = time.monotonic() + 20
    while site.cut == [] and time.monotonic() < end:
        time.sleep(0.02)
    assert site.cut == ["/noise.kmc"]
    assert page.run("return [events, made.naturalWidth]") == [["load"], 5]


def test_the_old_image_stays_until_the_new_one_is_known(page, site):
    show(page, "vectors/good/example.kmc")
    rest = site.hold("/vectors/good/labels-example.kmc", 20)
    page.run("made.src = 'vectors/good/labels-example.kmc'")
    page.wait("return !made.complete")
    assert page.run("return [made.naturalHeight, img().naturalHeight]") == [3, 3]
    rest.set()
    page.wait("return made.complete")
    assert page.run("return [made.naturalHeight, img().naturalHeight]") == [4, 4]
    page.run("made.removeAttribute('src')")
    page.wait("return made.naturalWidth === 0")
    assert page.run("return [made.complete, made.offsetWidth, events]") == [
        *(True, 0, ["load", "load"]),
    ]


def test_elements_that_leave_the_page_stop_and_come_back(page, site):
    rest = site.hold("/noise.kmc", 1000)
    page.run("add({ src: 'noise.kmc' })")
    page.wait("return made.naturalWidth === 3000")
    page.run("document.body.prepend(made)")  # moved
    assert site.asked.count("/noise.kmc") == 1
    page.run("made.remove()")
    time.sleep(0.1)
    rest.set()
    del site.gates["/noise.kmc"]
    page.run("document.body.append(made)")
    page.wait("return made.complete")
    assert site.asked.count("/noise.kmc") == 2
    assert page.run("return events") == ["load"]
    page.run("window.url = img().src; made.remove()")
    page.wait("return img().src === ''")  # and the memory of the PNG is free
    page.run("document.body.append(made)")
    page.wait("return img().naturalWidth === 3000")
    assert page.run("return [made.complete, img().src === url, events]") == [True, False, ["load"]]
    assert site.asked.count("/noise.kmc") == 2


def test_an_element_that_is_nowhere_yet_loads(page):
    done = page.driver.execute_async_script("""
        const done = arguments[0];
        window.made = document.createElement('kmc-image');
        made.decode().catch((error) => {
          made.src = 'vectors/good/example.kmc';
          return made.decode().then(() => done([error.name, made.width, img().src]));
        });""")
    assert done == ["EncodingError", 5, ""]
    page.run("document.body.append(made)")
    page.wait("return img().naturalWidth === 5")


def test_properties_are_those_of_an_img(page):
    script = """
        const made = document.createElement(arguments[0]);
        const found = [made.src, made.alt, made.loading, made.crossOrigin, made.width];
        Object.assign(made, { alt: 'a', loading: 'lazy', crossOrigin: 'x', width: 7, height: 8 });
        found.push(made.getAttribute('width'), made.getAttribute('height'), made.crossOrigin,
          made.getAttribute('alt'), made.getAttribute('loading'), made.loading);
        made.loading = 'soon';
        made.crossOrigin = 'use-credentials';
        found.push(made.loading, made.crossOrigin, made.complete, made.naturalWidth);
        made.crossOrigin = null;
        found.push(made.hasAttribute('crossorigin'));
        made.src = 'vectors/../x';
        found.push(made.src, made.complete);
        made.src = '';
        return [...found, made.src];"""
    # Chromium has a third word for "not lazy", which the standard no longer has.
    expected = ["eager" if value == "auto" else value for value in page.run(script, "img")]
    assert page.run(script, "kmc-image") == expected


def test_properties_that_were_set_before_the_script_came(page, site):
    (site.folder / "bare.html").write_text('<!doctype html><link rel="icon" href="data:,"><body>')
    page.driver.get(f"{site.address()}bare.html")
    page.run("""
        window.made = document.createElement('kmc-image');
        made.src = 'shared/example.kmc';
        document.body.replaceChildren(made);
        const script = document.createElement('script');
        script.src = '/kmc-image.js';
        document.head.append(script);""")
    page.wait("return made.complete && made.naturalWidth === 5")
    assert page.run("return made.getAttribute('src')") == "shared/example.kmc"


WATCH = """
window.workers = 0;
const { Worker: Real } = window;
window.Worker = class extends Real { constructor(...a) { super(...a); workers += 1; } };
"""


def test_workers_decode(page):
    page.run(WATCH)
    names = json.dumps([f"vectors/good/{name}.kmc" for name in STILL[:6] * 3])
    page.run(f"for (const src of {names}) add({{ src }})")
    page.wait("return events.length === 18")
    assert 1 <= page.run("return workers") <= 4
    assert page.run("return events.includes('error')") is False


@pytest.mark.parametrize("policy", ["", "script-src 'self' 'unsafe-eval'; worker-src 'none'"])
def test_without_workers_the_page_decodes(failing, site, policy):
    (site.folder / "strict.html").write_text(
        f'<!doctype html><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<link rel="icon" href="data:,"><script src="kmc-image.js"></script>'
        '<body><kmc-image src="vectors/good/example.kmc"></kmc-image>'
        '<kmc-image src="vectors/bad/crc-strip-1.kmc"></kmc-image>'
    )
    failing.driver.get(f"{site.address()}strict.html")
    failing.wait("return [...document.querySelectorAll('kmc-image')].every((e) => e.complete)")
    assert failing.run("return [...document.querySelectorAll('kmc-image')]"
                       ".map((one) => [one.naturalWidth, one.error?.name])") == [
        [5, None], [0, "KmcError"],
    ]  # fmt: skip
    said = [entry["message"] for entry in failing.driver.get_log("browser")]
    assert any("no worker starts" in entry for entry in said) == bool(policy)
