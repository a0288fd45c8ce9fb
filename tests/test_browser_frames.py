"""Animations in the viewer, in a real browser."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from browser import BAD, GOOD, as_rgba, assert_drawn, opened
from selenium.webdriver.common.keys import Keys

import kmcodec

MOVING = (
    "frames-below-300-entries",  # with alpha
    "frames-example-interleaved",
    "frames-side-coding-1",
    "frames-side-coding-4",
)
# Notes which frames are drawn, by the red of their first pixel, and how long they are to stay.
NOTES = """
window.drawn = []; window.waits = [];
const put = CanvasRenderingContext2D.prototype.putImageData, set = setTimeout;
CanvasRenderingContext2D.prototype.putImageData = function (pixels, ...place) {
  if (this.canvas.id === 'canvas') drawn.push(pixels.data[0]);
  put.call(this, pixels, ...place);
};
window.setTimeout = (act, wait) => {
  if (drawn.length > 0) waits.push(wait);
  return set(act, wait);
};
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def calm(page):
    """The page for somebody who asks for less motion."""
    media = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    yield page
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture
def moving(tmp_path, rng):
    """A function that writes an animation of three frames that begin with entry 0, 1, 2."""

    def write(**options):
        indices = rng.integers(0, 3, (3, 4, 6), np.uint8)
        indices[:, 0, 0] = 0, 1, 2
        palette = np.array([[10, 0, 0], [20, 0, 0], [30, 0, 0]], np.uint8)
        frames = [kmcodec.IndexedImage(palette, frame) for frame in indices]
        path = tmp_path / "moving.kmc"
        path.write_bytes(kmcodec.encode_frames(frames, **options))
        return path, indices

    return write


def test_frames_are_those_of_the_package(calm):
    calm.open(*(GOOD / f"{name}.kmc" for name in MOVING))
    for number, name in enumerate(MOVING):
        calm.run("document.querySelectorAll('#files button')[arguments[0]].click()", number)
        calm.wait_for(f"{name}.kmc")
        expected = kmcodec.decode_frames((GOOD / f"{name}.kmc").read_bytes())
        for frame, pixels in enumerate(map(as_rgba, expected.to_array())):
            decoded = calm.bytes("kmc.toRGBA(viewer.current().frame)").reshape(pixels.shape)
            np.testing.assert_array_equal(decoded, pixels, err_msg=f"{name}, frame {frame}")
            assert_drawn(calm.canvas("canvas"), pixels)
            words = f"{frame + 1} of {len(expected)}: {expected.durations[frame]} ms"
            assert calm.find("#frame-words").text == words
            calm.press(".")


def test_each_frame_is_shown_with_its_own_palette(calm):
    """Of a file with scenes; what is in it is told by the vectors."""
    expected = json.loads((GOOD / "scenes-example.json").read_text("utf-8"))
    calm.open(GOOD / "scenes-example.kmc")
    rows = np.reshape(expected["indices"], (3, expected["height"], expected["width"]))
    scenes = expected["frames"]["scenes"]
    palettes = [np.reshape(list(bytes.fromhex(s["palette"])), (-1, 3)) for s in scenes]
    assert [calm.find("#header").text.count(words) for words in ("palettes", "2 to 3")] == [1, 1]
    for frame, scene in ((0, 0), (1, 1), (2, 1), (0, 0)):
        colours = palettes[scene][rows[frame]]
        np.testing.assert_array_equal(calm.canvas("canvas")[..., :3], colours)
        assert len(calm.find_all("#swatches button")) == len(palettes[scene])
        assert f"palette {scene + 1} of 2" in calm.find("#palette-size").text
        counted = np.bincount(np.ravel(rows[[0] if scene == 0 else [1, 2]]))
        titles = [button.get_attribute("title") for button in calm.find_all("#swatches button")]
        pattern = re.compile(r", (\d+) pixels?( in all frames of this palette)?$")
        told = [pattern.search(words) for words in titles]
        assert [(int(found[1]), bool(found[2])) for found in told] == [
            (n, scene == 1) for n in counted
        ]
        calm.press(".")


def test_a_chosen_colour_stays_until_the_palette_is_another(calm):
    calm.open(GOOD / "scenes-example.kmc")
    calm.press(".")
    calm.find_all("#swatches button")[1].click()
    calm.press(".")
    assert calm.run("return document.querySelectorAll('[aria-pressed=true]').length") == 1
    assert calm.canvas("veil").any()
    calm.press(".")
    assert calm.run("return document.querySelectorAll('[aria-pressed=true]').length") == 0
    assert not calm.canvas("veil").any()
    assert "Choose a colour" in calm.find("#chosen").text
    assert calm.run("return document.activeElement.dataset.entry") == "0"  # arrows still work


def test_frames_are_stepped_through(calm, moving):
    path, indices = moving()
    calm.open(path)
    assert calm.find("#play").accessible_name == "Play"  # it has not begun by itself
    slider = calm.find("#frame")
    for act, frame in (
        (lambda: calm.press("."), 1),
        (calm.find("#next").click, 2),
        (lambda: calm.press("."), 0),
        (lambda: calm.press(","), 2),
        (calm.find("#previous").click, 1),
        (lambda: slider.send_keys(Keys.END), 2),
        (lambda: slider.send_keys(Keys.ARROW_LEFT), 1),
    ):
        act()
        np.testing.assert_array_equal(calm.canvas("canvas")[..., 0], 10 * indices[frame] + 10)
        assert slider.get_attribute("aria-valuetext") == f"{frame + 1} of 3: 100 ms"


def test_an_animation_plays_as_often_as_it_says_and_its_last_frame_stays(page, moving):
    path, indices = moving(loop=2, durations=0)
    page.open(path, first=NOTES)
    for drawn in ([10, 20, 30] * 2, [10, 20, 30] * 4):
        page.wait("return play.ariaLabel === 'Play'")
        assert page.run("return drawn") == drawn
        np.testing.assert_array_equal(page.canvas("canvas")[..., 0], 10 * indices[2] + 10)
        page.press(Keys.SPACE)  # from the beginning
    # A duration of 0 is not taken at its word.
    assert max(page.run("return waits")) > 10


def test_an_animation_that_plays_is_halted_and_goes_on(page, moving):
    path, indices = moving(durations=(20, 0, 1))
    page.open(path, first=NOTES)
    page.find_all("#swatches button")[1].click()
    for halt in (lambda: page.press(Keys.SPACE), page.find("#play").click):
        before = page.run("return drawn.length")
        page.wait(f"return drawn.length > {before + 3}")  # around the end
        halt()
        assert page.find("#play").accessible_name == "Play"
        frame = page.run("return frame.valueAsNumber") - 1
        np.testing.assert_array_equal(page.canvas("canvas")[..., 0], 10 * indices[frame] + 10)
        lit = indices == 1
        np.testing.assert_array_equal(page.canvas("veil")[..., 3] == 0, lit[frame])
        rows = page.run("return [...document.querySelectorAll('#chosen td:nth-child(2)')]"
                        ".map((cell) => cell.textContent)")  # fmt: skip
        assert rows == [str(lit.sum()), str(lit[frame].sum())]
        page.find("#play").click()
        assert page.find("#play").accessible_name == "Pause"


def test_a_frame_may_stay_for_weeks(page, moving):
    page.open(moving(durations=2**32 - 1)[0], first=NOTES)
    (wait,) = page.run("return waits")
    assert 2**29 < wait < 2**31  # more than that a browser takes for 0
    assert page.find("#frame-words").text == "1 of 3: 4,294,967,295 ms"


def test_only_animations_have_controls(page, moving):
    path, _ = moving(durations=1)
    names = ("example", "frames-one")
    page.open(path, *(GOOD / f"{name}.kmc" for name in names), BAD / "version-2.kmc", first=NOTES)
    assert page.find("#player").is_displayed()
    for number, name in enumerate(names, 1):
        page.find_all("#files button")[number].click()
        page.wait_for(f"{name}.kmc")
        page.run("drawn.length = 0")
        assert not page.find("#player").is_displayed()
        page.press(".", ",")
        assert page.run("return drawn") == []  # nor does the animation go on
        page.find_all("#files button")[0].click()
        page.wait("return drawn.length > 4")
    page.find_all("#files button")[-1].click()
    page.wait("return !trouble.hidden")
    assert not page.find("#player").is_displayed()


def test_the_keyboard_reaches_the_controls(calm, moving):
    calm.open(moving()[0])
    reached = []
    for _ in range(11):
        calm.press(Keys.TAB)
        reached.append(calm.run("return document.activeElement.ariaLabel"))
        if reached[-1] == "Frame":
            calm.press(Keys.SPACE)
            assert calm.find("#play").accessible_name == "Pause"
            calm.press(Keys.SPACE)
    assert reached[6:10] == ["Previous frame", "Play", "Next frame", "Frame"]
    assert reached[10].startswith("Entry 0, ")
    calm.press(Keys.SPACE)  # the button's own
    assert calm.find("#swatches [aria-pressed=true]").get_attribute("data-entry") == "0"
    assert calm.find("#play").accessible_name == "Play"


def test_of_frames_longer_than_a_canvas_some_pixels_are_drawn(calm, rng, tmp_path):
    indices = rng.integers(0, 2, (2, 3, 16_385), np.uint8)
    frames = [kmcodec.IndexedImage([[10, 20, 30], [40, 50, 60]], frame) for frame in indices]
    path = tmp_path / "long.kmc"
    path.write_bytes(kmcodec.encode_frames(frames, coding="packed"))
    calm.open(path)
    calm.find_all("#swatches button")[1].click()
    calm.press(".")
    drawn = indices[1, ::2, ::2]
    np.testing.assert_array_equal(calm.canvas("canvas")[..., 0], 30 * drawn + 10)
    np.testing.assert_array_equal(calm.canvas("veil")[..., 3] == 0, drawn == 1)
    assert f"{indices.sum():,}" in calm.find("#chosen").text
    assert f"{indices[1].sum():,}" in calm.find("#in-frame").text


def test_a_phone_has_room_for_the_controls(page, moving):
    with page.on_a_phone():
        page.open(moving(durations=100_000)[0])
        page.run("document.querySelector('#swatches button').click()")
        assert not page.is_too_wide()
        page.find("#play").click()
        assert page.find("#play").accessible_name == "Play"
