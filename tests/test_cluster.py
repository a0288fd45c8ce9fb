"""Folders and shared palettes on a Dask cluster: real schedulers and real worker processes."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
from conftest import missing_codecs
from PIL import Image

import kmcodec
from kmcodec.batch.decoding import decode_file, decode_files
from kmcodec.batch.encoding import encode_file, encode_files
from kmcodec.batch.planning import Job, plan

if os.environ.get("KMC_REQUIRE_ARRAYS") != "1":
    pytest.importorskip("distributed", reason="no distributed (pip install 'kmcodec[dask]')")

import dask.array
from distributed import Client, LocalCluster

from kmcodec.batch import cluster as cluster_module
from kmcodec.batch import cluster_workers
from kmcodec.batch.cluster import ClusterExecutor
from kmcodec.batch.pool import run_each
from kmcodec.batch.scheduler import connected

# What distributed leaves to be collected is not ours to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.skipif(os.name == "nt", reason="kills by signals"),
]


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def images(tmp_path):
    """A tree of ten images of some colours, and one that is none."""
    rng = np.random.default_rng(7)
    for number in range(10):
        path = tmp_path / "in" / str(number % 3) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8)).save(path)
    (tmp_path / "in" / "1" / "broken.png").write_bytes(b"no image")
    return tmp_path / "in"


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_cluster_makes_the_files_that_this_process_makes(kmc, tmp_path, cluster, images):
    command = ["encode", "in", "-r", "-k", 5, "--shared-palette"]
    here = kmc(*command, "-o", "here", "--jobs", 1)
    there = kmc(*command, "-o", "there", "--scheduler", cluster.scheduler_address, "--json")
    assert (here.returncode, there.returncode) == (1, 1)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "there")) == 10
    lines = [json.loads(line) for line in there.stdout.splitlines()]
    assert sum("error" in line for line in lines) == 1
    failure, summary = there.stderr.decode().splitlines()
    assert failure.startswith(f"kmc: {images / '1' / 'broken.png'}: ")
    assert summary.startswith("kmc: 10 of 11 files encoded")


def test_a_palette_is_found_on_a_cluster(kmc, cluster, images):
    (images / "1" / "broken.png").unlink()
    here = kmc("palette", "in", "-r", "-k", 9, "--jobs", 1)
    there = kmc("palette", "in", "-r", "-k", 9, "--scheduler", cluster.scheduler_address)
    assert (here.returncode, there.returncode) == (0, 0)
    assert there.stdout == here.stdout
    assert len(there.stdout.split()) == 9


def test_a_cluster_decodes_as_this_process_does(kmc, tmp_path, cluster, images):
    assert kmc("encode", "in", "-r", "-o", "packed", "-k", 3, "-q").returncode == 1
    (tmp_path / "packed" / "0" / "3.kmc").write_bytes(b"damaged")
    command = ["decode", "packed", "-r", "--json"]
    here = kmc(*command, "-o", "here", "--jobs", 1)
    there = kmc(*command, "-o", "there", "--scheduler", cluster.scheduler_address)
    assert (here.returncode, there.returncode) == (1, 1)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "there")) == 9
    told = [json.loads(line) for line in there.stdout.splitlines()]
    sources = [line["source"] for line in told]  # as they were given
    assert sources == [json.loads(line)["source"] for line in here.stdout.splitlines()]
    assert [os.path.basename(line["source"]) for line in told if "error" in line] == ["3.kmc"]
    assert there.stderr.decode().splitlines()[1:] == ["kmc: 1 of 10 files failed"]


def test_the_library_takes_a_client(tmp_path, cluster, images):
    (images / "1" / "broken.png").unlink()
    jobs = plan([str(images)], str(tmp_path / "out"), ".kmc", force=False, recursive=True)
    back = [Job(job.target, job.target + ".png", replace=False) for job in jobs]
    with Client(cluster, set_as_default=False) as client:
        sources = [job.source for job in jobs]
        palette = kmcodec.shared_palette(sources, 7, executor=client)
        done = list(encode_files(jobs, palette=palette, executor=client))
        again = list(decode_files(back, executor=client))
        # Whoever has enough early leaves nothing behind, and the client as it was.
        next(encode_files(jobs, palette=palette, executor=client))
        wait_for(lambda: not any(client.processing().values()))
        executor = ClusterExecutor(client)
        assert executor.workers == 2
        assert np.array_equal(kmcodec.shared_palette(sources, 7, executor=executor), palette)
    assert np.array_equal(palette, kmcodec.shared_palette(sources, 7))
    assert [each.value.output for each in done] == [job.target for job in jobs]
    assert all(np.array_equal(kmcodec.read(job.target).palette, palette) for job in jobs)
    assert [each.value.output for each in again] == [job.target for job in back]
    with pytest.raises(kmcodec.KmcInputError, match="client is closed"):
        kmcodec.shared_palette(sources, 7, executor=client)


def test_workers_count_the_chunks_of_an_array(tmp_path, cluster):
    zarr = pytest.importorskip("zarr", reason="no zarr (pip install 'kmcodec[zarr]')")
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 60, (2100, 2100), np.uint8) * np.uint8(4)
    array = zarr.create_array(tmp_path / "a.zarr", data=pixels, chunks=(700, 700))
    expected = kmcodec.quantize(pixels, 9).palette
    with Client(cluster, set_as_default=False) as client:
        found = kmcodec.shared_palette([array], 9, executor=client)
        with client.as_current():  # as it is with any client that was not made as above
            kept = client.persist(dask.array.from_zarr(array))
            computed = kmcodec.shared_palette([kept], 9)
        # A piece is sent by its name: what the workers know is all that there is to read.
        shutil.rmtree(tmp_path / "a.zarr")
        with pytest.raises(kmcodec.KmcInputError, match="cannot open this Zarr array"):
            kmcodec.shared_palette([array], 9, executor=client)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(computed, expected)


@pytest.mark.skipif(missing_codecs() is not None, reason=str(missing_codecs()))
@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_workers_write_label_maps_through_the_codec(tmp_path, cluster, zarr_format):
    import numcodecs
    import zarr

    from kmcodec.arrays.codec_options import decode_chunk

    y, x = np.mgrid[:250, :330]
    labels = np.stack([(y // 9 * 40 + x // 11 + z).astype(np.int32) for z in (-3, 5)])
    codec = (
        {"filters": None, "compressors": numcodecs.get_codec({"id": "kmcodec", "effort": "fast"})}
        if zarr_format == 2
        else {"serializer": {"name": "kmcodec"}, "compressors": None}
    )
    array = zarr.create_array(
        tmp_path / "map.zarr",
        shape=labels.shape,
        chunks=(1, 64, 64),
        dtype=labels.dtype,
        zarr_format=zarr_format,
        **codec,
    )
    with Client(cluster, set_as_default=False) as client, client.as_current():
        dask.array.store(dask.array.from_array(labels, (1, 64, 128)), array)
        back = dask.array.from_zarr(array).compute()
    files = [p for p in (tmp_path / "map.zarr").rglob("*") if not p.name.startswith(".z")]
    data = [p.read_bytes() for p in files if p.is_file() and p.name != "zarr.json"]
    assert len(data) == 2 * 4 * 6
    assert all(decode_chunk(chunk).shape == (1, 64, 64) for chunk in data)
    np.testing.assert_array_equal(back, labels)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "map.zarr", mode="r")[:], labels)


def test_warnings_of_workers_are_told(kmc, tmp_path, cluster):
    for name in "ab":
        Image.fromarray(np.arange(0, 60_000, 100, np.uint16).reshape(20, 30)).save(
            tmp_path / f"{name}.png"
        )
    run = kmc("encode", "a.png", "b.png", "-o", "out/", "--scheduler", cluster.scheduler_address)
    assert run.returncode == 0
    notes = [line for line in run.stderr.decode().splitlines() if line.startswith("kmc: note: ")]
    assert len(notes) == 2


def started(*command, **options):
    return subprocess.Popen([sys.executable, "-m", *map(str, command)], **options)


@contextlib.contextmanager
def ended(processes):
    """See that processes end with the block."""
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def separate(tmp_path_factory):
    """The address of a scheduler; its process and those of two workers."""
    file = tmp_path_factory.mktemp("cluster") / "scheduler.json"
    silent = {"stderr": subprocess.DEVNULL}
    with ended([]) as processes:
        options = ["--no-dashboard", "--port", 0, "--scheduler-file", file]
        processes.append(started("distributed.cli.dask_scheduler", *options, **silent))
        options = ["--no-dashboard", "--no-nanny", "--nthreads", 1, "--scheduler-file", file]
        for name in ("first", "second"):
            named = ["--name", name, *options]
            processes.append(started("distributed.cli.dask_worker", *named, **silent))
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        address = json.loads(file.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield address, *processes


def encoding(address, images, out):
    """A process that encodes on a cluster, and has begun to."""
    command = ["kmcodec", "encode", images, "-r", "-o", out, "-q", "-k", 200]
    process = started(*command, "--scheduler", address, stderr=subprocess.PIPE)
    wait_for(lambda: out.is_dir() and any(out.rglob("*.kmc")))
    return process


def test_a_worker_that_is_killed_at_work_costs_nothing(kmc, tmp_path, images, separate):
    (images / "1" / "broken.png").unlink()
    assert kmc("encode", "in", "-r", "-o", "here", "--jobs", 1, "-k", 200).returncode == 0
    address, _, worker, _ = separate
    out = tmp_path / "there"
    with ended([encoding(address, images, out)]) as (process,):
        # It stands still with work in its hands, and is then gone with it.
        worker.send_signal(signal.SIGSTOP)
        with Client(address, set_as_default=False) as client:
            workers = client.scheduler_info(n_workers=-1)["workers"]
            (where,) = (at for at, worker in workers.items() if worker["name"] == "first")
            wait_for(lambda: client.processing().get(where))
            worker.kill()
        assert process.communicate(timeout=60) == (None, b"")
        assert process.returncode == 0
    left = {name: data for name, data in contents(out).items() if name.endswith(".kmc")}
    assert left == contents(tmp_path / "here")


def test_a_scheduler_that_is_lost_ends_the_command_in_a_line(tmp_path, images, separate):
    (images / "1" / "broken.png").unlink()
    address, scheduler, _, worker = separate
    with ended([encoding(address, images, tmp_path / "out")]) as (process,):
        # Of work that nobody does, and nobody will ever tell of.
        worker.send_signal(signal.SIGSTOP)
        scheduler.kill()
        _, said = process.communicate(timeout=60)
    lost = f"kmc: {address}: the connection to the scheduler was lost\n"
    assert (process.returncode, said.decode()) in [(1, lost), (0, "")]
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_what_was_written_by_one_who_died_then_is_not_written_again(tmp_path, images):
    job = Job(str(images / "0" / "0.png"), str(tmp_path / "a.kmc"), replace=False)
    encode = functools.partial(encode_file, job, coding="deflate")
    first = encode(8)
    written = os.stat(job.target)
    assert encode(8).size == first.size
    assert os.stat(job.target).st_mtime_ns == written.st_mtime_ns
    assert os.stat(job.target).st_ino == written.st_ino
    with pytest.raises(kmcodec.KmcInputError, match="already exists"):
        encode(9)
    Path(job.target).write_bytes(Path(job.target).read_bytes() + b"more")
    with pytest.raises(kmcodec.KmcInputError, match="already exists"):
        encode(8)
    decode = functools.partial(decode_file, Job(job.target, str(tmp_path / "a.png"), False))
    Path(job.target).write_bytes(kmcodec.encode(np.zeros((2, 2), np.uint8)))
    assert decode() == dataclasses.replace(decode(), seconds=ANY)
    with pytest.raises(kmcodec.KmcInputError, match="already exists"):
        decode(strip=True, rows=(0, 1))


def test_a_scheduler_that_does_not_answer_is_told_in_a_line(kmc, tmp_path, images):
    run = kmc("encode", "in", "-r", "-o", "out", "--scheduler", "tcp://127.0.0.1:9")
    assert run.returncode == 1
    assert run.stderr.decode() == "kmc: tcp://127.0.0.1:9: no Dask scheduler answered\n"
    assert not list((tmp_path / "out").rglob("*.kmc"))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere", "tcp://a:b:c", "carrier://x:1", ""])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(kmcodec.KmcInputError, match="no Dask scheduler"), connected(address):
        pass


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["encode", "in", "--jobs", 2], "exclude each other"),
        (["encode", "-", "-o", "x.kmc"], "no standard input or output"),
        (["encode", "in/0/0.png", "-o", "-"], "no standard input or output"),
        (["palette", "in", "--jobs", 2], "exclude each other"),
        (["decode", "in", "--jobs", 2], "exclude each other"),
        (["decode", "a.kmc", "-o", "-"], "no standard input or output"),
    ],
    ids=str,
)
def test_what_a_cluster_cannot_do_is_wrong_usage(kmc, images, arguments, words):
    run = kmc(*arguments, "--scheduler", "tcp://127.0.0.1:9")
    assert run.returncode == 2
    assert words in run.stderr.decode()


def test_without_dask_a_line_says_what_to_install(kmc, images, tmp_path):
    (tmp_path / "distributed.py").write_text("raise ImportError('none')")
    run = kmc("encode", "in", "-r", "-o", "out", "--scheduler", "tcp://127.0.0.1:9")
    assert run.returncode == 1
    assert b"pip install 'kmcodec[dask]'" in run.stderr


# A worker process on whose machine there is no kmcodec.
WITHOUT_KMCODEC = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "kmcodec":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from distributed.cli.dask_worker import main
main()
"""


@pytest.fixture(scope="module")
def lonely(tmp_path_factory):
    """A scheduler without workers: its address, and what starts a worker for a block."""
    file = tmp_path_factory.mktemp("lonely") / "scheduler.json"
    silent = {"stderr": subprocess.DEVNULL}

    @contextlib.contextmanager
    def worker(*program):
        options = ["--no-dashboard", "--no-nanny", "--nthreads", "1", "--scheduler-file", file]
        process = subprocess.Popen([sys.executable, *program, *map(str, options)], **silent)
        with ended([process]), Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
            yield process
        with Client(address, set_as_default=False) as client:
            wait_for(lambda: not client.scheduler_info(n_workers=-1)["workers"])

    options = ["--no-dashboard", "--port", 0, "--scheduler-file", file]
    with ended([started("distributed.cli.dask_scheduler", *options, **silent)]):
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        address = json.loads(file.read_text())["address"]
        yield address, worker


def test_a_scheduler_without_workers_is_refused(monkeypatch, lonely):
    monkeypatch.setattr(cluster_workers, "_PATIENCE", 0.2)
    address, _ = lonely
    refused = pytest.raises(kmcodec.KmcInputError, match=f"{address}: .* has no worker")
    with refused, connected(address):
        pass


def test_a_worker_without_kmcodec_is_named_and_lives_on(kmc, monkeypatch, images, lonely):
    address, worker = lonely
    with worker("-c", WITHOUT_KMCODEC) as process:
        run = kmc("encode", "in", "-r", "-o", "out", "--scheduler", address)
        assert run.returncode == 1
        (line,) = run.stderr.decode().splitlines()
        assert line.startswith("kmc: worker tcp://")
        assert "No module named 'kmcodec'" in line
        # One that joins when work has begun was not asked.
        monkeypatch.setattr(cluster_module, "checked_workers", lambda client: 1)
        no_kmcodec = pytest.raises(kmcodec.KmcError, match="joined later has another kmcodec")
        with Client(address, set_as_default=False) as client, no_kmcodec:
            next(run_each(os.path.basename, ["a/b"], client))
        assert process.poll() is None


def test_no_work_is_sent_to_another_version_nor_waits_for_ever(monkeypatch, lonely):
    address, worker = lonely
    with worker("-m", "distributed.cli.dask_worker") as process:
        with monkeypatch.context() as patch, Client(address, set_as_default=False) as client:
            patch.setattr(cluster_workers, "__version__", "77")
            words = rf"worker tcp://\S+: has kmcodec {kmcodec.__version__}, but this is 77"
            with pytest.raises(kmcodec.KmcInputError, match=words):
                ClusterExecutor(client)
        for name, seconds in {"_LOOK": 0.02, "_TOLD": 0.1, "_GIVEN_UP": 0.5}.items():
            monkeypatch.setattr(cluster_module, name, seconds)
        with connected(address) as executor:
            process.kill()
            with pytest.warns(kmcodec.KmcWarning, match="no worker is connected; waiting") as notes:
                fault = executor.submit(len, "abc").exception(60)
        assert isinstance(fault, kmcodec.KmcError)
        assert str(fault).startswith(f"{address}: no worker is connected, for ")
        assert len(notes) == 1
