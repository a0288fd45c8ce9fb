"""Draw `viewer.png`: the viewer in Debian's chromium, with the bird and a chosen colour.

python docs/draw_viewer.py     # needs selenium, chromium and chromium-driver
"""

import io
import tempfile
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.support.wait import WebDriverWait

import kmcodec
from kmcodec.sources.images import read_source
from kmcodec.viewer import page_with

COLORS = 16
CHOSEN = 13  # the bright orange of the breast
WIDTH, HEIGHT = 1080, 830


def main() -> None:
    """Write the picture beside this script."""
    here = Path(__file__).parent
    pixels = read_source(here.parent / "samples" / "bird_small.mat").pixels
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "bird.html")
        page.write_bytes(page_with(kmcodec.encode(pixels, COLORS), "bird.kmc"))
        shot = screenshot(page.as_uri(), folder)
    Image.open(io.BytesIO(shot)).convert("RGB").save(here / "viewer.png", optimize=True)


def screenshot(address: str, folder: str) -> bytes:
    """A picture of the page, with one colour chosen, as PNG."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/user"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(address)
        shown = "return viewer.current() !== null"
        WebDriverWait(driver, 20).until(lambda one: one.execute_script(shown))
        driver.execute_script(f"swatches.children[{CHOSEN}].click()")
        return driver.get_screenshot_as_png()
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
