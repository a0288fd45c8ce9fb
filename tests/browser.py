"""Debian's chromium and chromium-driver, without a window, with the viewer in it."""

from __future__ import annotations

import base64
import os
import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from conftest import ROOT, VECTORS

from kmcodec.model.pixels import to_channels

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if os.environ.get("KMC_REQUIRE_BROWSER") != "1":
    if BROWSER is None or DRIVER is None:
        pytest.skip("chromium or chromedriver is not there", allow_module_level=True)
    pytest.importorskip("selenium")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

GOOD, BAD = VECTORS / "good", VECTORS / "bad"
VIEWER = (ROOT / "kmcodec" / "viewer" / "viewer.html").as_uri()
PHONE = 360
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,800",
)


class Page:
    """What the tests ask the viewer."""

    def __init__(self, driver):
        self.driver = driver

    def run(self, script, *args):
        return self.driver.execute_script(script, *args)

    def bytes(self, expression):
        """The bytes of a typed array of the page."""
        coded = self.run(
            f"const view = {expression}; const bytes = new Uint8Array(view.buffer, view.byteOffset,"
            " view.byteLength); let text = ''; for (let i = 0; i < bytes.length; i += 4096)"
            " text += String.fromCharCode(...bytes.subarray(i, i + 4096)); return btoa(text);"
        )
        return np.frombuffer(base64.b64decode(coded), np.uint8)

    def canvas(self, name):
        """The pixels of a canvas, shape (H, W, 4)."""
        size = self.run("const c = document.getElementById(arguments[0]);"
                        "return [c.height, c.width]", name)  # fmt: skip
        data = f"getContext('2d').getImageData(0, 0, {size[1]}, {size[0]}).data"
        return self.bytes(f"document.getElementById('{name}').{data}").reshape(*size, 4)

    def wait(self, condition):
        WebDriverWait(self.driver, 20, poll_frequency=0.02).until(lambda _: self.run(condition))

    def wait_for(self, name):
        self.wait(f"return viewer.current()?.name === {name!r}")

    def open(self, *paths, first=""):
        """Start anew, run a script, pick files, wait until one is shown or refused."""
        self.driver.get(VIEWER)
        self.run(first)
        self.find("#pick").send_keys("\n".join(map(str, paths)))
        self.wait("return viewer.current() !== null || !trouble.hidden")

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def is_too_wide(self):
        """Whether a phone would have to scroll; it may also widen its window, to show all."""
        return self.run("return document.documentElement.scrollWidth") > PHONE

    @contextmanager
    def on_a_phone(self):
        metrics = {"width": PHONE, "height": 640, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        yield
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@contextmanager
def opened(folder):
    """A browser that keeps its files in a folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield Page(driver)
        # Errors, and whatever the page's security policy had to stop.
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    finally:
        driver.quit()


def as_rgba(pixels):
    height, width = pixels.shape[:2]
    return np.reshape(to_channels(pixels.reshape(height * width, -1), 4), (height, width, 4))


def assert_drawn(canvas, expected):
    """Pixels of a canvas: it keeps colours multiplied by alpha, in 8 bits, and rounds."""
    alpha = expected[..., 3:].astype(int)
    np.testing.assert_array_equal(canvas[..., 3:], alpha)
    solid = expected[alpha[..., 0] == 255]
    np.testing.assert_array_equal(canvas[alpha[..., 0] == 255], solid)
    error = np.abs(canvas[..., :3].astype(int) - expected[..., :3])
    assert (error * 2 * np.where(alpha == 0, 0, alpha) <= 255 + 2 * alpha).all()
    assert not canvas[alpha[..., 0] == 0].any()
