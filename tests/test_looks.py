"""`kmc compare` and `kmc sweep` say how alike images look, and where they do not."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from conftest import SAMPLES

import kmcodec
from kmcodec.plots.visible import reduced

BIRD = SAMPLES / "bird_small.mat"

pytest.importorskip("matplotlib")

from test_plots import assert_tidy, compare, compare_looks, indexed, noisy, pictures, words  # noqa: E402


def test_compare_shows_where_an_image_looks_worse():
    image = indexed(40, 60, 8)
    original = noisy(image)
    figure = compare_looks(original, image)
    score = kmcodec.ssimulacra2(original, image)
    assert f"Loss | SSIMULACRA2 {score:.1f} ({100 - score:.1f} points)" in words(figure)
    assert "Loss" not in words(compare(original, image))
    *_, error, losses, _ = pictures(figure)
    assert losses.shape == error.shape == (40, 60)
    assert losses.mean() == pytest.approx(100 - score, rel=1e-4)
    assert_tidy(figure)


def test_nothing_lost():
    image = indexed()
    figure = compare_looks(image.to_array(), image, psnr=math.inf)
    assert "Loss | SSIMULACRA2 100" in words(figure)
    assert_tidy(figure)


def test_a_large_picture_of_losses_is_scaled_down():
    losses = np.arange(3000 * 2500, dtype=np.float32).reshape(3000, 2500)
    assert reduced(losses).shape == (1000, 1250)
    assert reduced(losses).mean() == pytest.approx(losses.mean(), rel=1e-3)


def test_sweep_prints_a_table_and_writes_csv(kmc, tmp_path):
    run = kmc("sweep", BIRD, "-k", "2,16,4", "--csv", "table.csv")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["K", "2", "4", "16"]
    with open(tmp_path / "table.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["k"] for row in rows] == ["2", "4", "16"]
    inertias = [float(row["inertia"]) for row in rows]
    assert inertias == sorted(inertias, reverse=True)
    scores = [float(row["ssimulacra2"]) for row in rows]
    assert scores == sorted(scores)
    assert [line.split()[4] for line in lines[1:]] == [f"{score:.1f}" for score in scores]


def test_the_score_is_left_out_for_images_too_large_for_it(kmc, monkeypatch, tmp_path, capsys):
    from kmcodec.cli.app import kmc as command
    from kmcodec.perception import score

    monkeypatch.setattr(score, "MOST_PIXELS", 128 * 128 - 1)
    table = str(tmp_path / "table.csv")
    command(["sweep", str(BIRD), "-k", "2", "--csv", table], standalone_mode=False)
    assert capsys.readouterr().out.splitlines()[1].split()[4] == "-"
    with open(table, newline="") as stream:
        assert next(csv.DictReader(stream))["ssimulacra2"] == ""
