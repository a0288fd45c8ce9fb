"""Oklab in whole numbers: true to its definition, there and back, the same everywhere."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import pytest

from kmcodec.quantization import oklab
from kmcodec.quantization.oklab import NEUTRAL, SCALE, from_oklab, to_oklab

LEVELS = np.arange(256, dtype=np.uint8)
GREYS = np.stack([LEVELS] * 3, axis=1)

# Ottosson 2020, the matrices M1 and M2 that define Oklab from XYZ (D65), and his table of pairs.
M1 = [
    [0.8189330101, 0.3618667424, -0.1288597137],
    [0.0329845436, 0.9293118715, 0.0361456387],
    [0.0482003018, 0.2643662691, 0.6338517070],
]
M2 = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]
PAIRS = [
    ((0.950, 1.000, 1.089), (1.000, 0.000, 0.000)),
    ((1.000, 0.000, 0.000), (0.450, 1.236, -0.019)),
    ((0.000, 1.000, 0.000), (0.922, -0.671, 0.263)),
    ((0.000, 0.000, 1.000), (0.153, -1.415, -0.449)),
]
# IEC 61966-2-1: linear sRGB to XYZ.
SRGB_TO_XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def oklab_of_xyz(xyz):
    """The definition, in floats."""
    return np.cbrt(np.asarray(xyz) @ np.transpose(M1)) @ np.transpose(M2)


def oklab_of_srgb(colors):
    x = colors / 255
    light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return oklab_of_xyz(light @ np.transpose(SRGB_TO_XYZ))


def random_colors(rng, n):
    return rng.integers(0, 256, (n, 3), dtype=np.uint8)


def cube_of_colors(levels):
    return np.stack(np.meshgrid(*[levels] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


@pytest.fixture(scope="module")
def all_coordinates():
    """Coordinates of all 2**24 colours in the order of their levels, shape (3, 2**24), int16."""
    coordinates = np.empty((3, 1 << 24), np.int16)
    for red in range(256):
        colors = cube_of_colors(LEVELS[:1]).repeat(1 << 16, axis=0)
        colors[:, 0], colors[:, 1], colors[:, 2] = red, LEVELS.repeat(256), np.tile(LEVELS, 256)
        coordinates[:, red << 16 : (red + 1) << 16] = to_oklab(colors).T
    return coordinates


def testlinear_light_is_the_nearest_whole_number():
    """Without decimals and floats: x**2.4 against y is x**12 against y**5, in fractions."""
    for level, light in enumerate(oklab.linear_light().tolist()):
        x = Fraction(level, 255)
        low, high = (Fraction(2 * light + side, 2 << oklab.LIGHT_BITS) for side in (-1, 1))
        if x <= Fraction("0.04045"):
            assert low <= x / Fraction("12.92") <= high
        else:
            power = ((x + Fraction("0.055")) / Fraction("1.055")) ** 12
            assert low**5 <= power <= high**5


def test_cube_roots_are_exact_at_every_border(rng):
    roots = np.append(rng.integers(1, 1 << 20, 50_000), [1, 2, 3, (1 << 20) - 1, 1 << 20])
    cubes = roots**3
    np.testing.assert_array_equal(oklab._cube_roots(cubes), roots)
    np.testing.assert_array_equal(oklab._cube_roots(cubes - 1), roots - 1)


@pytest.mark.parametrize("error", [-1, 1])
def test_cube_roots_survive_a_bad_library(monkeypatch, rng, error):
    values = rng.integers(1, 1 << 60, 1000)
    right = oklab._cube_roots(values)
    true_cbrt = np.cbrt
    monkeypatch.setattr(np, "cbrt", lambda x: true_cbrt(x) + 0.9 * error)
    np.testing.assert_array_equal(oklab._cube_roots(values), right)


def test_the_reference_agrees_with_the_published_table():
    for xyz, expected in PAIRS:
        np.testing.assert_allclose(oklab_of_xyz(xyz), expected, atol=0.0006)


def test_coordinates_are_those_of_the_definition(rng):
    colors = np.concatenate([random_colors(rng, 20_000), GREYS, cube_of_colors(LEVELS[::51])])
    expected = oklab_of_srgb(colors) * SCALE + [0, NEUTRAL, NEUTRAL]
    # Half a unit of rounding, and what four-digit matrices of XYZ leave open.
    np.testing.assert_allclose(to_oklab(colors), expected, atol=0.5 + 0.0003 * SCALE)


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((255, 255, 255), (1.000000, 0.000000, 0.000000)),
        ((255, 0, 0), (0.627955, 0.224863, 0.125846)),
        ((0, 255, 0), (0.866440, -0.233888, 0.179498)),
        ((0, 0, 255), (0.452014, -0.032457, -0.311528)),
        ((0, 0, 0), (0.000000, 0.000000, 0.000000)),
    ],
)
def test_known_colours(color, expected):
    exact = np.array(expected) * SCALE + [0, NEUTRAL, NEUTRAL]
    found = to_oklab(np.array([color], np.uint8))[0]
    np.testing.assert_array_equal(found, np.floor(exact + 0.5))


def test_greys_are_neutral_and_rise():
    coordinates = to_oklab(GREYS)
    assert (coordinates[:, 1:] == NEUTRAL).all()
    assert coordinates[[0, -1], 0].tolist() == [0, SCALE]
    assert np.diff(coordinates[:, 0]).min() >= 12


def test_all_colours_fit_into_12_bits(all_coordinates):
    assert all_coordinates.min(axis=1).tolist() == [0, 1090, 772]
    assert all_coordinates.max(axis=1).tolist() == [4095, 3179, 2861]


def test_the_coordinates_are_these_on_every_platform():
    coordinates = to_oklab(cube_of_colors(LEVELS[::5])).astype("<i2")
    digest = hashlib.sha256(coordinates.tobytes()).hexdigest()
    assert digest == "969f012a9c9eb32aa05dc2c41cdb55b7582d6393c0858e453f74f6e424322dde"


def test_a_group_at_a_time_makes_no_difference(rng, monkeypatch):
    colors = random_colors(rng, 1000)
    points = to_oklab(colors) + rng.random((1000, 3))
    coordinates, back = to_oklab(colors), from_oklab(points)
    monkeypatch.setattr(oklab, "_GROUP", 7)
    np.testing.assert_array_equal(to_oklab(colors), coordinates)
    monkeypatch.setattr(oklab, "_GROUP", 1 << 14)
    monkeypatch.setattr(oklab, "_CANDIDATES", 10)
    np.testing.assert_array_equal(from_oklab(points), back)


def test_greys_come_back():
    np.testing.assert_array_equal(from_oklab(to_oklab(GREYS).astype(float)), GREYS)


def test_colours_come_back_unless_an_earlier_one_has_their_coordinates(rng):
    colors = random_colors(rng, 20_000)
    coordinates = to_oklab(colors)
    back = from_oklab(coordinates.astype(float))
    np.testing.assert_array_equal(to_oklab(back), coordinates)
    changed = (back != colors).any(axis=1)
    assert changed.mean() < 0.05
    order = [1 << 16, 1 << 8, 1]
    assert (back[changed].astype(int) @ order < colors[changed].astype(int) @ order).all()


def test_no_colour_is_nearer(rng, all_coordinates):
    one, other = to_oklab(random_colors(rng, 3)), to_oklab(random_colors(rng, 3))
    dark = to_oklab(random_colors(rng, 2) // 12)
    # Between colours, near black, and out of the gamut by little and by much.
    outside = [[2360.1, 1667.5, 1375.3], [3000, 2048, 1000], [4000, 2000, 2800]]
    points = np.concatenate([(one + other) / 2, dark + 0.3, outside])
    found = from_oklab(points).astype(np.int64) @ [1 << 16, 1 << 8, 1]
    for point, color in zip(np.rint(points * 2**14).astype(np.int64), found, strict=True):
        distances = np.zeros(1 << 24, np.int64)
        for coordinates, value in zip(all_coordinates, point.tolist(), strict=True):
            distances += np.square((coordinates.astype(np.int64) << 14) - value)
        # The first of the nearest: `argmin` gives it.
        assert color == distances.argmin()


@pytest.mark.parametrize("error", [-1e-6, 1e-6])
def test_floats_do_not_decide(rng, monkeypatch, error):
    points = to_oklab(random_colors(rng, 300)) + rng.random((300, 3))
    found = from_oklab(points)
    monkeypatch.setattr(oklab, "_FROM_CONES", oklab._FROM_CONES * (1 + error))
    monkeypatch.setattr(oklab, "_FROM_OPPONENTS", oklab._FROM_OPPONENTS * (1 - error))
    np.testing.assert_array_equal(from_oklab(points), found)


def test_of_equally_near_colours_the_first_is_taken():
    darkest = np.array([[0, 0, 0], [0, 0, 1]], np.uint8)
    middle = to_oklab(darkest).mean(axis=0)
    assert from_oklab(middle[np.newaxis])[0].tolist() == [0, 0, 0]
    twins = np.array([[255, 255, 0], [255, 255, 1]], np.uint8)
    coordinates = to_oklab(twins)
    assert coordinates[0].tolist() == coordinates[1].tolist()
    assert from_oklab(coordinates.astype(float)).tolist() == [[255, 255, 0]] * 2


def test_no_points_no_colours():
    assert to_oklab(np.zeros((0, 3), np.uint8)).shape == (0, 3)
    assert from_oklab(np.zeros((0, 3))).shape == (0, 3)
