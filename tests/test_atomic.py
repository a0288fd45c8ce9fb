"""Files appear whole or not at all, whatever goes wrong."""

import errno
import os
import stat
import threading

import pytest

from kmcodec.errors import KmcInputError
from kmcodec.storage import atomic
from kmcodec.storage.atomic import reason_of, replace_file, write_atomically

posix = pytest.mark.skipif(os.name == "nt", reason="permission bits and FIFOs are POSIX's")


def raising(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def full_disk():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("data", [b"", b"bird\r\n\n\x1a", bytes(1 << 20)])
def test_a_new_file_holds_the_data_and_nothing_stands_beside_it(tmp_path, data):
    write_atomically(tmp_path / "bird.kmc", data)
    assert (tmp_path / "bird.kmc").read_bytes() == data
    assert os.listdir(tmp_path) == ["bird.kmc"]


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "bird.kmc"
    path.write_bytes(b"old and longer")
    write_atomically(str(path), b"new")
    assert path.read_bytes() == b"new"


def test_a_name_of_the_greatest_length_is_no_trouble(tmp_path):
    path = tmp_path / ("b" * 251 + ".kmc")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_path_relative_to_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("bird.kmc", b"new")
    assert (tmp_path / "bird.kmc").read_bytes() == b"new"


@posix
def test_a_new_file_obeys_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "bird.kmc", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "bird.kmc").stat().st_mode) == 0o640


@posix
def test_permissions_of_an_existing_file_are_kept(tmp_path):
    path = tmp_path / "bird.kmc"
    path.write_bytes(b"old")
    path.chmod(0o604)
    write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@posix
@pytest.mark.parametrize("there", [True, False])
def test_symbolic_links_are_followed(tmp_path, there):
    target, link = tmp_path / "target.kmc", tmp_path / "link.kmc"
    if there:
        target.write_bytes(b"old")
    link.symlink_to("target.kmc")
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@posix
def test_a_fifo_is_written_directly(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    write_atomically(path, b"new")
    reader.join()
    assert read == [b"new"]
    assert stat.S_ISFIFO(path.stat().st_mode)


@posix
def test_the_null_device_stays_a_device():
    write_atomically("/dev/null", b"new", create_only=True)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_a_full_device_is_told():
    with pytest.raises(KmcInputError, match=r"^/dev/full: no space left on device$"):
        write_atomically("/dev/full", b"new")


FAILURES = [
    ("os.open", PermissionError(errno.EACCES, "Permission denied"), "permission denied"),
    ("os.fsync", full_disk(), "no space left on device"),
    ("os.replace", PermissionError(errno.EPERM, "Not permitted"), "permission denied"),
    ("os.replace", OSError(errno.EIO, "Input/output error"), "input/output error"),
]


@pytest.mark.parametrize(("call", "error", "told"), FAILURES)
def test_a_failure_is_told_and_leaves_everything_as_it_was(
    tmp_path, monkeypatch, call, error, told
):
    path = tmp_path / "bird.kmc"
    path.write_bytes(b"old")
    monkeypatch.setattr(call, raising(error))
    with pytest.raises(KmcInputError) as caught:
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert str(caught.value) == f"{path}: {told}"
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["bird.kmc"]


def test_a_disk_that_fills_up_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    class Full:
        def __init__(self, descriptor):
            self.descriptor = descriptor

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self.descriptor)

        def write(self, data):
            os.write(self.descriptor, data[:2])
            raise full_disk()

    path = tmp_path / "bird.kmc"
    path.write_bytes(b"old")
    monkeypatch.setattr(atomic, "open", lambda fd, _mode: Full(fd), raising=False)
    with pytest.raises(KmcInputError, match="no space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["bird.kmc"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_no_temporary_file(tmp_path, monkeypatch, interrupt):
    monkeypatch.setattr("os.fsync", raising(interrupt()))
    with pytest.raises(interrupt):
        write_atomically(tmp_path / "bird.kmc", b"new")
    assert os.listdir(tmp_path) == []


def test_folders_are_told_from_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    told = {
        "folder": "folder: is a folder",
        "folder/": "folder/: is a folder",
        "out/bird.kmc": "out: no such folder",
        "out/": "out: no such folder",
        "file/bird.kmc": "file: no such folder",
    }
    for path, message in told.items():
        with pytest.raises(KmcInputError) as caught:
            write_atomically(path, b"new")
        assert str(caught.value) == message
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_what_is_no_path_is_told():
    with pytest.raises(KmcInputError, match="is not a path"):
        write_atomically("a\0b", b"new")


def test_replace_file_leaves_errors_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "out" / "bird.kmc", b"new")
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path, b"new")


def test_create_only_makes_new_files(tmp_path):
    write_atomically(tmp_path / "bird.kmc", b"new", create_only=True)
    assert (tmp_path / "bird.kmc").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["bird.kmc"]


def test_create_only_never_replaces(tmp_path):
    path = tmp_path / "bird.kmc"
    path.write_bytes(b"old")
    with pytest.raises(KmcInputError, match="exists already"):
        write_atomically(path, b"new", create_only=True)
    assert path.read_bytes() == b"old"


NO_LINKS = [
    AttributeError("os.link"),
    NotImplementedError(),
    PermissionError(errno.EPERM, "not on this file system"),
]


@pytest.mark.parametrize("obstacle", [None, *NO_LINKS])
def test_create_only_loses_a_race_without_harm(tmp_path, monkeypatch, obstacle):
    path = tmp_path / "bird.kmc"
    fsync, link = os.fsync, os.link

    def slow_fsync(descriptor):
        path.write_bytes(b"of another process")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", slow_fsync)
    monkeypatch.setattr("os.link", raising(obstacle) if obstacle else link)
    with pytest.raises(KmcInputError, match="exists already"):
        write_atomically(path, b"new", create_only=True)
    assert path.read_bytes() == b"of another process"
    assert os.listdir(tmp_path) == ["bird.kmc"]


@pytest.mark.parametrize("obstacle", NO_LINKS)
def test_create_only_does_without_hard_links(tmp_path, monkeypatch, obstacle):
    monkeypatch.setattr("os.link", raising(obstacle))
    write_atomically(tmp_path / "bird.kmc", b"new", create_only=True)
    assert (tmp_path / "bird.kmc").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["bird.kmc"]


def test_create_only_gives_the_name_back_if_the_last_step_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("os.link", raising(NotImplementedError()))
    monkeypatch.setattr("os.replace", raising(full_disk()))
    with pytest.raises(KmcInputError, match="no space left"):
        write_atomically(tmp_path / "bird.kmc", b"new", create_only=True)
    assert os.listdir(tmp_path) == []


def test_create_only_fails_as_linking_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("os.link", raising(full_disk()))
    with pytest.raises(KmcInputError, match="no space left"):
        write_atomically(tmp_path / "bird.kmc", b"new", create_only=True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENAMETOOLONG, "File name too long"), "file name too long"),
        (OSError("odd"), "odd"),
        (OSError(), "OSError"),
    ],
)
def test_reasons_without_a_sentence_of_our_own(error, told):
    assert reason_of(error) == told
