"""Files named by URLs."""

from __future__ import annotations

import sys
import zipfile

import numpy as np
import pytest

import kmcodec
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job, plan
from kmcodec.sources.palettes import read_palette
from kmcodec.storage.door import write_output
from kmcodec.storage.urls import is_url, open_url, write_url

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
    assert "already exists" in str(refused)
    (skipped,) = plan(
        ["memory://in/bird.npy"], "memory://out/", ".kmc", force=False, skip_existing=True
    )
    assert skipped.skip
    with pytest.raises(kmcodec.KmcInputError, match="already exists"):
        write_url("memory://out/bird.kmc", [b"other"], create_only=True)
    assert memory.cat("/out/bird.kmc") == data


def test_results_go_beside_their_sources(memory):
    (job,) = plan(["memory://in/bird.npy"], None, ".kmc", force=False)
    assert job.target == "memory://in/bird.kmc"


def test_folders_are_gone_into_as_among_paths(memory, tmp_path):
    data = memory.cat("/in/bird.npy")
    for name in ("sub/b.npy", "sub/deep/c.npy", ".hidden/d.npy", ".e.npy", "note.txt", "out/f.npy"):
        memory.pipe(f"/in/{name}", data)
    flat = plan(["memory://in"], str(tmp_path), ".kmc", force=False)
    assert [(job.source, job.target) for job in flat] == [
        ("memory://in/bird.npy", str(tmp_path / "bird.kmc"))
    ]
    jobs = plan(["memory://in/"], "memory://in/out", ".kmc", force=False, recursive=True)
    assert [(job.source, job.target) for job in jobs] == [
        (f"memory://in/{name}.npy", f"memory://in/out/{name}.kmc")
        for name in ("bird", "sub/b", "sub/deep/c")
    ]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.npy").write_bytes(data)
    local = plan([f"file://{tmp_path}"], "memory://new", ".kmc", force=False, recursive=True)
    assert [job.target for job in local] == ["memory://new/sub/a.kmc"]
    (empty,) = plan(["memory://in/sub/deep"], str(tmp_path), ".png", force=False)
    assert str(empty) == "memory://in/sub/deep: no .kmc files in the folder"


def test_the_command_takes_urls(kmc, tmp_path, bird):
    np.save(tmp_path / "bird.npy", bird)
    (tmp_path / "new").mkdir()
    source, target = ((tmp_path / name).as_uri() for name in ("bird.npy", "new/bird.kmc"))
    assert kmc("encode", source, "-o", target, "-k", 16).returncode == 0
    expected = kmcodec.encode(bird, 16)
    assert (tmp_path / "new" / "bird.kmc").read_bytes() == expected
    assert kmc("decode", target, "-o", tmp_path / "back.npy").returncode == 0
    assert np.array_equal(np.load(tmp_path / "back.npy"), kmcodec.decode(expected))
    assert kmc("verify", target).returncode == 0


def test_palettes_are_read_from_and_written_to_urls(kmc, memory, tmp_path, bird):
    memory.pipe("/in/theme.gpl", b"GIMP Palette\n1 2 3\n4 5 6\n")
    assert read_palette("memory://in/theme.gpl").tolist() == [[1, 2, 3], [4, 5, 6]]
    image = kmcodec.IndexedImage([[1, 2, 3], [4, 5, 6]], [[0, 1]])
    memory.pipe("/in/theme.kmc", kmcodec.encode(image))
    assert read_palette("memory://in/theme.kmc").tolist() == [[1, 2, 3], [4, 5, 6]]
    with pytest.raises(kmcodec.KmcInputError, match=r"none\.gpl: no such file"):
        read_palette("memory://none.gpl")
    write_output("memory://new/a/theme.hex", b"ffffff")
    assert memory.cat("/new/a/theme.hex") == b"ffffff"
    np.save(tmp_path / "bird.npy", bird)
    url = f"file://{tmp_path}/theme.gpl"
    assert kmc("palette", f"file://{tmp_path}/bird.npy", "-k", 4, "-o", url).returncode == 0
    run = kmc("encode", "bird.npy", "--palette", url, "-o", "bird.kmc")
    assert run.returncode == 0
    assert len(kmcodec.read(tmp_path / "bird.kmc").palette) == 4


@pytest.mark.parametrize("scheme", ["file://", "local://"])
def test_an_input_stays_however_it_or_the_target_is_named(kmc, tmp_path, bird, scheme):
    path = tmp_path / "keep.npy"
    np.save(path, bird)
    data = path.read_bytes()
    for source, target in [(path, f"{scheme}{path}"), (f"{scheme}{path}", path)]:
        run = kmc("encode", source, "-o", target)
        assert run.returncode == 1
        assert b"would replace the input itself" in run.stderr
        assert path.read_bytes() == data


def test_an_input_stays_however_urls_are_spelt(memory, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("bird.npy", memory.cat("/in/bird.npy"))
    inside = f"zip://bird.npy::file://{tmp_path}/in.zip"
    for source, target in [
        ("memory://in/bird.npy", "memory:///in/../in/bird.npy"),
        (inside, f"{tmp_path}/in.zip"),
    ]:
        (refused,) = plan([source], target, ".kmc", force=True)
        assert "would replace the input itself" in str(refused)
    (job,) = plan([f"zip://::file://{tmp_path}/in.zip"], f"{tmp_path}/", ".kmc", force=True)
    assert (job.source, job.target) == (inside, str(tmp_path / "bird.kmc"))


def test_no_result_takes_the_place_of_another_input(tmp_path, bird):
    np.save(tmp_path / "a.npy", bird)
    kmcodec.write(tmp_path / "a.kmc", bird)
    first, second = plan(
        [str(tmp_path / "a.npy"), str(tmp_path / "a.kmc")], None, ".kmc", force=True
    )
    assert "would replace the input" in str(first)
    assert first.source == str(tmp_path / "a.npy")
    assert "has the same output file" in str(second)


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
