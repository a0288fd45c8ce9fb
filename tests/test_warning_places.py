"""Warnings point at the line that called into the package, however deep they come from."""

import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from png_files import png

import kmcodec
from kmcodec import errors
from kmcodec.sources.images import read_source

DEEP = np.array([[1, 300], [70, 9]], np.uint16)


def read(path):
    path.write_bytes(png(np.arange(4800).reshape(40, 40, 3) * 13, 16))
    return read_source(path)


def save(path):
    Image.fromarray(DEEP).save(io.BytesIO(), "KMC")


def rows(path):
    kmcodec.encode_rows(DEEP, output=path)


WAYS = [
    lambda path: kmcodec.encode(DEEP),
    lambda path: kmcodec.quantize(DEEP, 2),
    lambda path: kmcodec.encode(DEEP, max_bytes=1 << 20),
    lambda path: kmcodec.encode_frames([DEEP, DEEP]),
    lambda path: kmcodec.write(path, DEEP),
    lambda path: kmcodec.shared_palette([DEEP], 2),
    rows,
    read,
    save,
]


@pytest.mark.parametrize("way", WAYS)
def test_the_line_is_the_callers(way, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        way(tmp_path / "a.kmc")
    assert {w.filename for w in caught} == {__file__}
    first = way.__code__.co_firstlineno
    assert {w.lineno - first in range(4) for w in caught} == {True}


def test_python_is_asked_to_skip_files_where_it_can(monkeypatch):
    asked = []
    monkeypatch.setattr(errors.sys, "version_info", (3, 12))
    monkeypatch.setattr(errors.warnings, "warn", lambda *args, **kw: asked.append((args, kw)))
    errors.warn("odd")
    ((args, options),) = asked
    assert args == ("odd", kmcodec.KmcWarning)
    package, pillow, _ = options["skip_file_prefixes"]
    assert Path(package) == Path(kmcodec.__file__).parent
    assert Image.__file__.startswith(pillow)
    assert not __file__.startswith(options["skip_file_prefixes"])


def test_nothing_else_warns():
    """One function knows where a warning belongs."""
    for path in (ROOT / "kmcodec").rglob("*.py"):
        count = len(re.findall(r"warnings\.warn\(|stacklevel", path.read_text()))
        assert count == 0 or path.name == "errors.py", path
