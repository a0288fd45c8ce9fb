"""The numbers that define SSIMULACRA2, version 2.1 of April 2023.

Source: Sneyers (Cloudinary), https://github.com/cloudinary/ssimulacra2 under the BSD 3-clause
licence. The weights were fitted there to the opinions of people about distorted images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BACKGROUNDS",
    "BORDER",
    "EXPONENT",
    "GAIN",
    "LEAST_SIDE",
    "OPSIN",
    "POLYNOMIAL",
    "SCALES",
    "STABILITY",
    "TAPS",
    "weights",
]

SCALES = 6
"""The image itself and the image halved up to five times."""

LEAST_SIDE = 8
"""An image with a shorter side is not halved."""

STABILITY = np.float32(0.0009)
"""Added to variances, so that noise in flat areas counts little."""

BACKGROUNDS = (0.1, 0.9)
"""Levels, as shares of white, of the two greys behind transparent pixels."""

# Rows of weights for linear red, green and blue, and their bias.
_BIAS = 0.0037930732552754493
_BIAS_ROOT = 0.15595420054924862
_ABSORBANCE = (
    (0.30, 1 - 0.30 - 0.078, 0.078),
    (0.23, 1 - 0.23 - 0.078, 0.078),
    (0.24342268924547819, 0.20476744424496821, 1 - 0.24342268924547819 - 0.20476744424496821),
)

OPSIN: NDArray[np.float32] = np.array([*np.ravel(_ABSORBANCE), _BIAS, _BIAS_ROOT], np.float32)
"""Nine weights by rows, the bias added to each mixture, and the cube root of the bias."""

BORDER = (-0.42, -0.5, -0.55)
"""The values of X, Y and B - Y outside an image.

The reference has 0 there, after it adds 0.42, 0.01 and 0.55 to keep the channels positive. No error
depends on what is added to both images and their border. Here X and B - Y of greys are 0, and Y
lies around 0, so that small variances are not lost in the rounding of large squares.
"""

TAPS: NDArray[np.float32] = np.array(
    [
        0.2646211054881985,
        0.2129285920104222,
        0.1093353727774603,
        0.0360111146583644,
        0.0094143678096537,
    ],
    np.float32,
)
"""The blur: the weights of a sample and of its neighbours at distances of 1 to 4.

The reference blurs recursively: Charalampidis, "Recursive implementation of the Gaussian filter
using truncated cosine functions", IEEE Transactions on Signal Processing 64(14), 2016, for sigma
1.5 and so radius 5, at which the response is 0. These are its responses to a single 1.
"""

# The weighted sum of the errors becomes a score.
GAIN = 0.9562382616834844
POLYNOMIAL = (2.326765642916932, -0.020884521182843837, 6.248496625763138e-05)
EXPONENT = 0.6276336467831387

# The weights other than 0, by their positions.
_WEIGHTS = {
    1: 0.0007376606707406586,
    4: 0.0007793481682867309,
    7: 0.0004371155730107379,
    9: 1.1041726426657346,
    10: 0.00066284834129271,
    11: 0.00015231632783718752,
    13: 0.0016406437456599754,
    15: 1.8422455520539298,
    16: 11.441172603757666,
    18: 0.0007989109436015163,
    19: 0.000176816438078653,
    21: 1.8787594979546387,
    22: 10.94906990605142,
    24: 0.0007289346991508072,
    25: 0.9677937080626833,
    27: 0.00014003424285435884,
    28: 0.9981766977854967,
    29: 0.00031949755934435053,
    30: 0.0004550992113792063,
    33: 0.0013648766163243398,
    39: 7.466890328078848,
    41: 17.445833984131262,
    42: 0.0006235601634041466,
    45: 6.683678146179332,
    46: 0.00037724407979611296,
    47: 1.027889937768264,
    48: 225.20515300849274,
    51: 19.213238186143016,
    52: 0.0011401524586618361,
    53: 0.001237755635509985,
    54: 176.39317598450694,
    57: 24.43300999870476,
    58: 0.28520802612117757,
    59: 0.0004485436923833408,
    63: 34.77906344483772,
    64: 44.835625328877896,
    73: 0.0008680556573291698,
    79: 0.0005313191874358747,
    81: 0.00016533814161379112,
    87: 0.0004179171803251336,
    88: 0.0017290828234722833,
    90: 0.0020827005846636437,
    93: 8.826982764996862,
    94: 23.19243343998926,
    96: 95.1080498811086,
    97: 0.9863978034400682,
    98: 0.9834382792465353,
    99: 0.0012286405048278493,
    100: 171.2667255897307,
    101: 0.9807858872435379,
    105: 0.0005130064588990679,
    107: 0.00010854057858411537,
}
_COUNT = 108


def weights(scales: int) -> NDArray[np.float64]:
    """Return the weights of an image that has so many scales.

    Returns
    -------
    ndarray, shape (3, scales, 2, 3), float64
        By channel (X, Y, B), scale, norm (mean, 4-norm) and error (structure, edges added, edges
        lost). The reference takes weights one after the other, so that those of a small image
        belong to other errors than those of a large one.
    """
    whole = np.zeros(_COUNT)
    whole[list(_WEIGHTS)] = list(_WEIGHTS.values())
    return whole[: 18 * scales].reshape(3, scales, 2, 3)
