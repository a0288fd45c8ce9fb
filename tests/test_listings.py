"""Names that archives and listings hold are data, whatever they look like."""

from __future__ import annotations

import io
import socket
import tarfile
import zipfile

import numpy as np
import pytest

from kmcodec.batch.finding import Found, JobError, find_files
from kmcodec.storage.urls import listing_fault

fsspec = pytest.importorskip("fsspec", reason="no fsspec (pip install 'kmcodec[remote]')")

UNSAFE = [
    "a.npy::b.npy",
    "::a.npy",
    "s3://a.npy",
    "/a.npy",
    "//a.npy",
    "a//b.npy",
    "../a.npy",
    "a/../../b.npy",
    "a/./b.npy",
    "a/%2E./b.npy",
    "~/a.npy",
    "~a.npy",
    "C:/a.npy",
    "c:a.npy",
    "a\\b.npy",
    "a\0b.npy",
]
ODD = [
    "x*.npy",
    "[ab].npy",
    "w?.npy",
    "a b.npy",
    "ä.npy",
    "at 9:30.npy",
    "a~.npy",
    "deep/..a/b.npy",
]


@pytest.fixture
def picture() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.arange(12, dtype=np.uint8).reshape(3, 4))
    return stream.getvalue()


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_name_is_told_from_a_safe_one(name):
    assert listing_fault(name)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_safe(name):
    assert listing_fault(name) is None


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_unsafe_entries_of_an_archive_are_named_and_the_rest_is_done(kmc, tmp_path, picture, kind):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x.npy", picture)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        port = server.getsockname()[1]
        unsafe = [
            f"inner.npy::file://{other}::x.npy",
            f"a.npy::ftp://127.0.0.1:{port}/x.npy",
            f"b.npy::http://127.0.0.1:{port}/x.npy",
            "../up.npy",
            "sub/../../up.npy",
            "a//b.npy",
            "q\\r.npy",
            "~/home.npy",
        ]
        # Without protection "[ab].npy" and "x*.npy" would be a.npy and xy.npy.
        safe = ["a.npy", "xy.npy", "sub/c.npy", "[ab].npy", "x*.npy", "w?.npy"]
        path = tmp_path / f"hostile.{kind}"
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                for name in unsafe + safe:
                    archive.writestr(zipfile.ZipInfo(name), picture)
        else:
            # tarfile itself makes one slash of two.
            unsafe.remove("a//b.npy")
            with tarfile.open(path, "w") as tar:
                for name in unsafe + safe:
                    info = tarfile.TarInfo(name)
                    info.size = len(picture)
                    tar.addfile(info, io.BytesIO(picture))
        out = tmp_path / "out"
        run = kmc("encode", f"{kind}://::{path}", "-r", "-o", f"{out}/")
        with pytest.raises(BlockingIOError):
            server.accept()
    told = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert sum("skipped the entry" in line for line in told) == len(unsafe)
    assert not any("Traceback" in line for line in told)
    made = sorted(each.relative_to(out).as_posix() for each in out.rglob("*") if each.is_file())
    assert made == sorted(name.replace(".npy", ".kmc") for name in safe)
    assert not (tmp_path / "up.kmc").exists()


def test_names_that_begin_with_a_dot_and_a_slash_are_those_of_tar(tmp_path, picture, kmc):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("./a.npy", "./sub/b.npy", "./.hidden/c.npy"):
            info = tarfile.TarInfo(name)
            info.size = len(picture)
            tar.addfile(info, io.BytesIO(picture))
    run = kmc("encode", f"tar://::{tmp_path}/a.tar", "-r", "-o", f"{tmp_path}/out/")
    assert run.returncode == 0, run.stderr
    made = [each for each in (tmp_path / "out").rglob("*") if each.is_file()]
    assert sorted(each.name for each in made) == ["a.kmc", "b.kmc"]


def test_a_key_with_empty_parts_stops_nothing(picture):
    system = fsspec.filesystem("memory")
    keys = [
        "/in/a//b.npy",
        "/in//c.npy",
        "/in/d\0.npy",
        "/in/ok.npy",
        "/in/" + "e/" * 200 + "f.npy",
    ]
    for key in keys:
        system.store[key] = fsspec.implementations.memory.MemoryFile(system, key, picture)
    try:
        found = list(find_files(["memory://in"], ".kmc", recursive=True))
    finally:
        for key in keys:
            system.store.pop(key, None)
    safe = [each.path for each in found if isinstance(each, Found)]
    assert "memory://in/ok.npy" in safe
    assert "memory://in/" + "e/" * 200 + "f.npy" in safe
    refused = [str(each) for each in found if isinstance(each, JobError)]
    assert any("skipped the entry 'd\\x00.npy'" in line for line in refused)
    assert all("\n" not in line for line in refused)


def test_folders_nested_beyond_reason_are_one_line(tmp_path, picture):
    path = tmp_path / "deep.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/" * 5000 + "b.npy", picture)
    (refused,) = find_files([f"zip://::{path}"], ".kmc", recursive=True)
    assert isinstance(refused, JobError)
    assert "nested too deeply" in str(refused)
