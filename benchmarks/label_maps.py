"""Label maps as scientists have them, made of public pictures or drawn by chance, the same always.

The pictures come with scikit-image; nothing is loaded from a network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["LABEL_MAPS", "land_cover", "parcels"]


def land_cover(size: int = 1024) -> np.ndarray:
    """Eleven classes of land with the numbers of a land-cover legend: fractal noise, cut twice."""
    height, moisture = fractal_noise(size, 1), fractal_noise(size, 2)
    codes = np.array([[11, 90, 95], [43, 41, 42], [81, 71, 52], [31, 22, 24]], np.uint8)
    rows = np.searchsorted(np.quantile(height, [0.2, 0.6, 0.9]), height)
    columns = np.searchsorted(np.quantile(moisture, [0.4, 0.75]), moisture)
    return codes[rows, columns]


def fractal_noise(size: int, seed: int) -> np.ndarray:
    """Noise whose power falls with the 3.4th power of the frequency, as that of terrain does."""
    spectrum = np.fft.rfft2(np.random.default_rng(seed).normal(size=(size, size)))
    frequency = np.hypot(*np.meshgrid(np.fft.rfftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = np.inf
    return np.fft.irfft2(spectrum / frequency**1.7, (size, size))


def parcels(size: int = 1024, count: int = 3000) -> np.ndarray:
    """Land parcels with 16-bit numbers that say nothing of where they are: Voronoi cells."""
    from scipy.spatial import KDTree

    rng = np.random.default_rng(3)
    numbers = rng.choice(65_536, count, replace=False).astype(np.uint16)
    places = np.stack(np.mgrid[:size, :size], axis=-1)
    return numbers[KDTree(rng.uniform(0, size, (count, 2))).query(places)[1]]


def superpixels() -> np.ndarray:
    """SLIC superpixels of a portrait, int64."""
    from skimage import data, segmentation

    return segmentation.slic(data.astronaut(), n_segments=800, start_label=1)


def regions() -> np.ndarray:
    """Felzenszwalb's regions of a picture of a cup, int64."""
    from skimage import data, segmentation

    return segmentation.felzenszwalb(data.coffee(), scale=100, sigma=0.8, min_size=30)


def coins() -> np.ndarray:
    """Coins told from each other by watershed, int32."""
    from scipy import ndimage
    from skimage import data, feature, filters, measure, segmentation

    picture = data.coins()
    mask = ndimage.binary_opening(picture > filters.threshold_otsu(picture), iterations=2)
    depth = ndimage.distance_transform_edt(mask)
    peaks = feature.peak_local_max(depth, min_distance=12, labels=measure.label(mask))
    markers = np.zeros(picture.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-depth, markers, mask=mask)


def letters() -> np.ndarray:
    """The connected parts of a scanned page, numbered, int32."""
    from scipy import ndimage
    from skimage import data, filters

    page = data.page()
    return ndimage.label(page < filters.threshold_local(page, 35, offset=10))[0]


def tissue() -> np.ndarray:
    """A stained tissue by colour alone, six classes: as noisy as a classification of pixels is."""
    from skimage import color, data, filters

    stain = color.rgb2hed(data.immunohistochemistry())
    brown = np.digitize(stain[..., 2], filters.threshold_multiotsu(stain[..., 2], 3))
    blue = stain[..., 0] > filters.threshold_otsu(stain[..., 0])
    return (2 * brown + blue).astype(np.uint8)


def mask() -> np.ndarray:
    """A mask of a horse, bool."""
    from skimage import data

    return np.asarray(data.horse() == 0)


def volume() -> np.ndarray:
    """Grains in a volume of 32 slices, numbered, int32, shape (32, 192, 192)."""
    from scipy import ndimage

    noise = ndimage.gaussian_filter(
        np.random.default_rng(4).normal(size=(32, 192, 192)), 5, mode="wrap"
    )
    return ndimage.label(noise > np.quantile(noise, 0.8))[0]


def cells(shape: tuple[int, ...] = (128, 128, 128), count: int = 400) -> np.ndarray:
    """Cells that fill a cube, with 32-bit numbers at random, as segmented brain tissue has."""
    return warped_cells(shape, count, (1.0, 1.0, 1.0), 5)


def slices(shape: tuple[int, ...] = (32, 256, 256), count: int = 300) -> np.ndarray:
    """Cells in slices four times as far apart as pixels, uint16, a fifth of them background."""
    from scipy import ndimage

    numbers = warped_cells(shape, count, (4.0, 1.0, 1.0), 6)
    _, ranks = np.unique(numbers, return_inverse=True)
    ranks = ranks.reshape(shape).astype(np.uint16)
    noise = ndimage.gaussian_filter(np.random.default_rng(7).normal(size=shape), (2, 8, 8))
    return np.where(noise < np.quantile(noise, 0.2), 0, ranks + 1).astype(np.uint16)


def warped_cells(
    shape: tuple[int, ...], count: int, spacing: tuple[float, ...], seed: int
) -> np.ndarray:
    """Voronoi cells, uint32, of voxels of this spacing, each moved by up to some voxels."""
    from scipy import ndimage
    from scipy.spatial import KDTree

    rng = np.random.default_rng(seed)
    steps = np.array(spacing)
    places = np.stack(np.mgrid[tuple(map(slice, shape))], axis=-1) * steps
    for axis in range(len(shape)):
        for width, height in ((10.0, 9.0), (2.5, 1.5)):
            noise = ndimage.gaussian_filter(rng.normal(size=shape), width / steps)
            places[..., axis] += height * noise / noise.std()
    centres = rng.uniform(0, np.array(shape) * steps, (count, len(shape)))
    numbers = rng.choice(1 << 24, count, replace=False).astype(np.uint32)
    return numbers[KDTree(centres).query(places)[1]]


LABEL_MAPS: dict[str, Callable[[], np.ndarray]] = {
    make.__name__.replace("_", " "): make
    for make in (
        land_cover,
        parcels,
        superpixels,
        regions,
        coins,
        letters,
        tissue,
        mask,
        volume,
        cells,
        slices,
    )
}
"""By name."""
