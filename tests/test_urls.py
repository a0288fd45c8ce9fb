"""Files named by URLs."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import kmcodec
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job, plan
from kmcodec.urls import is_url, open_url, write_url

fsspec = pytest.importorskip("fsspec", reason="no fsspec (pip install 'kmcodec[remote]')")


@pytest.fixture
def memory(bird):
    """A file system in memory that holds a picture."""
    import io

    system = fsspec.filesystem("memory")
    stream = io.BytesIO()
    np.save(stream, bird[:20, :30])
    system.pipe("/in/bird.npy", stream.getvalue())
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("name", ["bird.png", "C:\\bird.png", "a/b.png", "-", "://x", "1://x"])
def test_paths_are_no_urls(name):
    assert not is_url(name)


def test_a_file_goes_from_url_to_url(memory, bird):
    (job,) = plan(["memory://in/bird.npy"], "memory://out/", ".kmc", force=False)
    assert job == Job("memory://in/bird.npy", "memory://out/bird.kmc", replace=False)
    report = encode_file(job, 8, coding="deflate")
    data = memory.cat("/out/bird.kmc")
    assert data == kmcodec.encode(bird[:20, :30], 8, coding="deflate")
    assert report.size == len(data)
    # What is there is left alone, as among paths.
    (refused,) = plan(["memory://in/bird.npy"], "memory://out/", ".kmc", force=False)
    assert "exists already" in str(refused)
    (skipped,) = plan(
        ["memory://in/bird.npy"], "memory://out/", ".kmc", force=False, skip_existing=True
    )
    assert skipped.skip
    with pytest.raises(kmcodec.KmcInputError, match="exists already"):
        write_url("memory://out/bird.kmc", [b"other"], create_only=True)
    assert memory.cat("/out/bird.kmc") == data


def test_results_go_beside_their_sources(memory):
    (job,) = plan(["memory://in/bird.npy"], None, ".kmc", force=False)
    assert job.target == "memory://in/bird.kmc"


def test_the_command_takes_urls(kmc, tmp_path, bird):
    np.save(tmp_path / "bird.npy", bird)
    source, target = ((tmp_path / name).as_uri() for name in ("bird.npy", "new/bird.kmc"))
    assert kmc("encode", source, "-o", target, "-k", 16).returncode == 0
    expected = kmcodec.encode(bird, 16)
    assert (tmp_path / "new" / "bird.kmc").read_bytes() == expected
    assert kmc("decode", target, "-o", tmp_path / "back.npy").returncode == 0
    assert np.array_equal(np.load(tmp_path / "back.npy"), kmcodec.decode(expected))
    assert kmc("verify", target).returncode == 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("memory://nowhere.npy", "no such file"),
        ("nothing://a.npy", "nothing"),
        ("zip://a.npy::memory://no.zip", ""),
    ],
)
def test_what_cannot_be_opened_is_told_in_a_line(url, words):
    with pytest.raises(kmcodec.KmcInputError) as caught, open_url(url):
        pass
    assert str(caught.value).startswith(f"{url}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_write_that_fails_leaves_no_file(tmp_path):
    def parts():
        yield b"some"
        raise kmcodec.KmcInputError("and no more")

    url = (tmp_path / "a.kmc").as_uri()
    with pytest.raises(kmcodec.KmcInputError, match="no more"):
        write_url(url, parts(), create_only=False)
    assert not (tmp_path / "a.kmc").exists()


def test_without_fsspec_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(kmcodec.KmcInputError, match="kmcodec\\[remote\\]"), open_url("s3://a/b"):
        pass
